import type { ClosedBy } from "../../protocols/index.ts"
import { chainNext, type Incident } from "./chain.ts"
import type { Closing } from "./result.ts"
import type { Round } from "./state.ts"

type Chained = Pick<Round, "chain" | "chained">

/** The head after something that is no vote; nothing in a round whose chain holds votes and abstentions alone. */
export const linkOf = (round: Chained, incident: Incident): string | undefined =>
  round.chained === undefined ? undefined : chainNext(round.chain, incident)

export const escalationOf = (escalated: {
  readonly at: number
  readonly ended_by: ClosedBy
  readonly early: boolean
}): Incident => {
  const { at, ended_by, early } = escalated
  return { kind: "escalation", at, word: { ended_by, early } }
}

/** The head that goes into the result: why a round was cancelled has joined the chain. */
export const closingHead = (round: Chained, { at, reason }: Closing): string =>
  (reason === undefined ? undefined : linkOf(round, { kind: "cancellation", at, word: { reason } })) ?? round.chain
