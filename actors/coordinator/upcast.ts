import { Schema } from "effect"
import type { Upcasters } from "../../runtime/index.ts"

const Requested = Schema.Struct({ asked: Schema.Record(Schema.String, Schema.Unknown) })
const Waiting = Schema.StructWithRest(
  Schema.Struct({ waiting: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)) }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)
const isRequested = Schema.is(Requested)
const isWaiting = Schema.is(Waiting)

/** What version 1 wrote: its requests had no ids of their own. */
export const upcast: Upcasters = {
  state: {
    1: (json) =>
      isWaiting(json) ? { ...json, waiting: json.waiting.map((asked, index) => ({ id: -1 - index, ...asked })) } : json
  },
  events: {
    AnalysisRequested: { 1: (json) => (isRequested(json) ? { ...json, asked: { id: 0, ...json.asked } } : json) }
  }
}
