import type { ClosedBy } from "../../protocols/index.ts"
import { chainNext, type Incident } from "./chain.ts"
import type { Closing } from "./result.ts"
import type { Round } from "./state.ts"

type Chained = Pick<Round, "chain" | "chained">

/** The head after something that is no vote, as a field; nothing in a round whose chain holds votes and abstentions alone. */
export const linkOf = (round: Chained, incident: Incident): { readonly chain?: string } =>
  round.chained === undefined ? {} : { chain: chainNext(round.chain, incident) }

export const escalationOf = (escalated: {
  readonly at: number
  readonly ended_by: ClosedBy
  readonly early: boolean
}): Incident => {
  const { at, ended_by, early } = escalated
  return { kind: "escalation", at, word: { ended_by, early } }
}

/** Why a round was cancelled joins the chain before its head goes into the result. */
export const closingLink = (round: Chained, { at, reason }: Closing): { readonly chain?: string } =>
  reason === undefined ? {} : linkOf(round, { kind: "cancellation", at, word: { reason } })
