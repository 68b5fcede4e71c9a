import type { ConflictResolution, Decision, Resolution, Vote } from "../../protocols/index.ts"
import { CAUTION, inOneOrder, leading, meanConfidence, sum, TOLERANCE } from "./ballot.ts"

/** What a conflict resolution decides. */
export interface Resolved {
  readonly decision: Decision
  /** 0 to 1. */
  readonly confidence: number
  readonly resolution: Resolution
}

/** Decides by a conflict resolution where consensus was not achieved. There is at least one vote. */
export const resolve = (resolution: ConflictResolution, votes: ReadonlyArray<Vote>): Resolved =>
  resolutions[resolution](votes)

/** The surest vote's; of as sure ones HOLD before SELL before BUY. */
const surest = (votes: ReadonlyArray<Vote>) => {
  const { leader } = leading(
    CAUTION.flatMap((decision) => {
      const mine = votes.filter((vote) => vote.decision === decision)
      return mine.length === 0 ? [] : [{ decision, confidence: Math.max(...mine.map(({ confidence }) => confidence)) }]
    }),
    ({ confidence }) => confidence
  )
  return leader
}

const highestConfidence = (votes: ReadonlyArray<Vote>): Resolved => ({
  ...surest(votes),
  resolution: "highest_confidence"
})

const conservativeBias = (votes: ReadonlyArray<Vote>): Resolved => {
  const decision = CAUTION.find((each) => votes.some((vote) => vote.decision === each)) ?? "HOLD"
  const confidences = votes.filter((vote) => vote.decision === decision).map((vote) => vote.confidence)
  return { decision, confidence: 0.8 * Math.max(...confidences), resolution: "conservative_bias" }
}

const riskManagerOverride = (votes: ReadonlyArray<Vote>): Resolved => {
  const advisors = votes.filter((vote) => vote.agent_type === "risk_advisor")
  return advisors.length === 0
    ? { ...surest(votes), resolution: "risk_manager_override_fallback" }
    : { ...surest(advisors), resolution: "risk_manager_override" }
}

const VALUE = { BUY: 1, HOLD: 0, SELL: -1 } as const
/** How far the mean must lean for anything but HOLD. */
const LEAN = 0.3

const weightedAverage = (votes: ReadonlyArray<Vote>): Resolved => {
  const ordered = inOneOrder(votes)
  const all = sum(ordered.map(({ confidence }) => confidence))
  // Where nobody is sure of anything nothing leans.
  const mean = all === 0 ? 0 : sum(ordered.map(({ decision, confidence }) => VALUE[decision] * confidence)) / all
  const decision = mean > LEAN + TOLERANCE ? "BUY" : mean < -LEAN - TOLERANCE ? "SELL" : "HOLD"
  return { decision, confidence: 0.9 * meanConfidence(votes), resolution: "weighted_average" }
}

/** What holds as long as no person has answered. */
const escalateToHuman = (): Resolved => ({ decision: "HOLD", confidence: 0, resolution: "escalate_to_human" })

const resolutions: { readonly [R in ConflictResolution]: (votes: ReadonlyArray<Vote>) => Resolved } = {
  highest_confidence: highestConfidence,
  conservative_bias: conservativeBias,
  risk_manager_override: riskManagerOverride,
  weighted_average: weightedAverage,
  escalate_to_human: escalateToHuman
}
