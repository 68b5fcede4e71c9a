// Random rounds: what is invited, asked and said, by a seed or by fast-check.
import fc from "fast-check"
import type { Rules } from "../../actors/consensus/ballot.ts"
import { ConflictResolution, type Decision, Method, type Vote, type Voter } from "../../protocols/index.ts"

export const DECISIONS = ["BUY", "SELL", "HOLD"] as const
const TYPES = ["risk_advisor", "market_analyst", "strategy_optimizer", "risk_advisor", "outsider"] as const
/** Few values, so that ties and bounds met exactly are common. */
const WEIGHTS = [0, 0.1, 0.3, 0.5, 1, 1, 1, 2, 3] as const

/** A round as it is decided: its rules, and what was said. */
export interface Case {
  readonly rules: Rules
  readonly votes: ReadonlyArray<Vote>
}

export const voterOf = (index: number): Voter => ({
  agent_id: `agent_${index}`,
  agent_type: TYPES[index % TYPES.length]!
})

export const voteBy = (
  index: number,
  decision: Decision,
  confidence: number,
  more: Partial<Pick<Vote, "agent_type" | "probabilities" | "strengths">> = {}
): Vote => ({ ...voterOf(index), decision, confidence, reasoning: "", ...more })

/** A round made of numbers in [0, 1): with up to seven invited, of whom up to all have voted. */
export const drawRound = (random: () => number, maxInvited = 7): Case => {
  const below = (count: number) => Math.floor(random() * count)
  const pick = <A>(from: ReadonlyArray<A>): A => from[below(from.length)]!
  const sure = () => (random() < 0.7 ? below(21) / 20 : random())
  const count = 1 + below(maxInvited)
  const types = Array.from({ length: count }, () => pick(TYPES))
  const invited = types.map((agent_type, index) => ({ ...voterOf(index), agent_type }))
  const absent = random() < 0.5 ? 0 : random() * random()
  const votes = invited
    .filter(() => random() >= absent)
    .map(({ agent_id, agent_type }): Vote => {
      const vote = { agent_id, agent_type, decision: pick(DECISIONS), confidence: sure(), reasoning: "" }
      const believes = random() < 0.4 ? { ...vote, probabilities: drawShares(below) } : vote
      return random() < 0.4 ? { ...believes, strengths: drawShares(below) } : believes
    })
  const weighed = random() < 0.6
  return {
    votes,
    rules: {
      invited,
      method: pick(Method.literals),
      ...(random() < 0.8 ? { conflict_resolution: pick(ConflictResolution.literals) } : {}),
      ...(random() < 0.3 ? { quorum: 1 + below(count) } : {}),
      ...(random() < 0.2 ? { required: invited.filter(() => random() < 0.3).map(({ agent_id }) => agent_id) } : {}),
      ...(random() < 0.7 ? { min_confidence: below(21) / 20 } : {}),
      ...(random() < 0.3 ? { expert_agent_type: pick(TYPES) } : {}),
      ...(random() < 0.3 ? { pool_exponent: pick([0.5, 1, 2, 3]) } : {}),
      ...(weighed ? { weights: Object.fromEntries(invited.map(({ agent_id }) => [agent_id, pick(WEIGHTS)])) } : {})
    }
  }
}

/** Three shares of 1 in tenths, often with zeros among them. */
const drawShares = (below: (count: number) => number) => {
  const [one, other] = [below(11), below(11)].toSorted((a, b) => a - b)
  return { BUY: one! / 10, SELL: (other! - one!) / 10, HOLD: (10 - other!) / 10 }
}

/** The same for fast-check, which shrinks them. */
export const rounds = (maxInvited = 7): fc.Arbitrary<Case> =>
  fc
    .array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 60, maxLength: 60 })
    .map((all) => {
      let next = 0
      return drawRound(() => all[next++ % all.length]!, maxInvited)
    })
