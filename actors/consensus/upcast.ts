import { Schema } from "effect"
import type { Upcasters } from "../../runtime/index.ts"
import { initial } from "./state.ts"

/** In place of a link: rounds that version 1 began have no chain. */
const NO_CHAIN = "0".repeat(64)

const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))

const withFields =
  (fields: { readonly [name: string]: unknown }) =>
  (json: unknown): unknown =>
    isObject(json) ? { ...fields, ...json } : json

/** What version 1 wrote, which had one method, no chain, no escalation, and recorded no refusals. */
export const upcast: Upcasters = {
  state: {
    1: (json) => {
      const begun = withFields({ chain: NO_CHAIN, escalated: null, human: null, reopened_by: [] })(json)
      return { ...initial(), round: begun }
    }
  },
  events: {
    Opened: { 1: withFields({ chain: NO_CHAIN }) },
    VoteCast: { 1: withFields({ at: 0, chain: NO_CHAIN }) },
    Abstained: { 1: withFields({ at: 0, chain: NO_CHAIN }) }
  }
}
