import type { ConflictResolution, Decision, Resolution, Vote } from "../../protocols/index.ts"
import { CAUTION, inOneOrder, leading, meanStrength, strengthOf, sum, TOLERANCE } from "./ballot.ts"

/** What a conflict resolution decides. */
export interface Resolved {
  readonly decision: Decision
  /** 0 to 1. */
  readonly strength: number
  readonly resolution: Resolution
}

/** Decides by a conflict resolution where consensus was not achieved. There is at least one vote. */
export const resolve = (resolution: ConflictResolution, votes: ReadonlyArray<Vote>): Resolved =>
  resolutions[resolution](votes)

/** The strongest vote's; of as strong ones HOLD before SELL before BUY. */
const strongest = (votes: ReadonlyArray<Vote>) => {
  const { leader } = leading(
    CAUTION.flatMap((decision) => {
      const mine = votes.filter((vote) => vote.decision === decision)
      return mine.length === 0 ? [] : [{ decision, strength: Math.max(...mine.map(strengthOf)) }]
    }),
    ({ strength }) => strength
  )
  return leader
}

const highestConfidence = (votes: ReadonlyArray<Vote>): Resolved => ({
  ...strongest(votes),
  resolution: "highest_confidence"
})

const conservativeBias = (votes: ReadonlyArray<Vote>): Resolved => {
  const decision = CAUTION.find((each) => votes.some((vote) => vote.decision === each)) ?? "HOLD"
  const mine = votes.filter((vote) => vote.decision === decision)
  return { decision, strength: 0.8 * Math.max(...mine.map(strengthOf)), resolution: "conservative_bias" }
}

const riskManagerOverride = (votes: ReadonlyArray<Vote>): Resolved => {
  const advisors = votes.filter((vote) => vote.agent_type === "risk_advisor")
  return advisors.length === 0
    ? { ...strongest(votes), resolution: "risk_manager_override_fallback" }
    : { ...strongest(advisors), resolution: "risk_manager_override" }
}

const VALUE: { readonly [D in Decision]: number } = { BUY: 1, HOLD: 0, SELL: -1 }
/** How far the mean must lean for anything but HOLD. */
const LEAN = 0.3

const weightedAverage = (votes: ReadonlyArray<Vote>): Resolved => {
  const ordered = inOneOrder(votes)
  const all = sum(ordered.map(strengthOf))
  // Where nobody speaks for anything with any strength nothing leans.
  const mean = all === 0 ? 0 : sum(ordered.map((vote) => VALUE[vote.decision] * strengthOf(vote))) / all
  const decision = mean > LEAN + TOLERANCE ? "BUY" : mean < -LEAN - TOLERANCE ? "SELL" : "HOLD"
  return { decision, strength: 0.9 * meanStrength(votes), resolution: "weighted_average" }
}

/** What holds as long as no person has answered. */
const escalateToHuman = (): Resolved => ({ decision: "HOLD", strength: 0, resolution: "escalate_to_human" })

const resolutions: { readonly [R in ConflictResolution]: (votes: ReadonlyArray<Vote>) => Resolved } = {
  highest_confidence: highestConfidence,
  conservative_bias: conservativeBias,
  risk_manager_override: riskManagerOverride,
  weighted_average: weightedAverage,
  escalate_to_human: escalateToHuman
}
