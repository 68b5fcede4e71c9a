import { createHash } from "node:crypto"
import type { Arm, Experiment, RequestOutcome } from "../../protocols/index.ts"
import { brierLoss } from "../learning/scoring.ts"

/**
 * The arm of a request: the first bit of the SHA-256 of the experiment's name, a line break, and the request's id.
 *
 * A function of the two and nothing else, so that every process says the same; each arm gets half of all ids, and two
 * experiments split independently of each other.
 */
export const armOf = (experiment: string, requestId: string): Arm =>
  createHash("sha256").update(`${experiment}\n${requestId}`).digest()[0]! < 128 ? "a" : "b"

/** What following a decision won, as a fraction of the price: the price's change, its negative for SELL, 0 for HOLD. */
export const gainOf = ({ decision, return: change }: RequestOutcome): number =>
  decision === "HOLD" ? 0 : decision === "BUY" ? change : -change

/**
 * A request's loss in [0, 1] by the experiment's metric. For `return`, with the gain g cut to [−cap, cap]: (cap − g)/(2·cap),
 * so that doing nothing loses 1/2.
 */
export const lossOf = (outcome: RequestOutcome, { metric, return_cap: cap }: Experiment): number => {
  if (metric === "brier") return brierLoss(outcome, outcome.outcome)
  const gain = Math.min(cap, Math.max(-cap, gainOf(outcome)))
  return (cap - gain) / (2 * cap)
}
