import { assert, describe, it } from "@effect/vitest"
import { closesEarly } from "../../actors/consensus/early-close.ts"
import { judge } from "../../actors/consensus/judge.ts"
import type { Vote, Voter } from "../../protocols/index.ts"
import { seeded } from "../support/chaos-faults.ts"
import { type Case, DECISIONS, drawRound } from "../support/rounds.ts"

const ROUNDS = 25_000
const CONFIDENCES = [0, 0.3, 0.5, 1] as const
const CERTAIN = [
  { BUY: 1, SELL: 0, HOLD: 0 },
  { BUY: 0, SELL: 1, HOLD: 0 },
  { BUY: 0, SELL: 0, HOLD: 1 }
] as const

/** Whose bounds are met by words on the grid, so that they are exact. */
const EXACT: ReadonlyArray<string> = ["simple_majority", "weighted_confidence", "risk_weighted"]

/** What a voter can say, on a grid with the ends of the range in it; nothing is an abstention. */
const words = ({ agent_id, agent_type }: Voter): ReadonlyArray<Vote | undefined> => {
  const plain = DECISIONS.flatMap((decision) =>
    CONFIDENCES.map((confidence): Vote => ({ agent_id, agent_type, decision, confidence, reasoning: "" }))
  )
  const certain = CERTAIN.map((probabilities) => ({ ...plain[0]!, confidence: 0.4, probabilities }))
  return [undefined, ...plain, ...certain]
}

/** Every way in which a round can end on that grid. */
const completions = (votes: ReadonlyArray<Vote>, missing: ReadonlyArray<Voter>): ReadonlyArray<ReadonlyArray<Vote>> =>
  missing.reduce<ReadonlyArray<ReadonlyArray<Vote>>>(
    (all, voter) => all.flatMap((said) => words(voter).map((word) => (word === undefined ? said : [...said, word]))),
    [votes]
  )

/** What each ends in. By escalation a person decides, whoever voted what. */
const outcomesOf = ({ rules, votes }: Case, missing: ReadonlyArray<Voter>): Set<string> =>
  new Set(
    completions(votes, missing).map((all) => {
      const { decision, achieved } = judge(rules, all)
      return `${decision} ${achieved}`
    })
  )

const missingOf = ({ rules, votes }: Case) =>
  rules.invited.filter(({ agent_id }) => !votes.some((vote) => vote.agent_id === agent_id))

describe("closing before all have voted", () => {
  it(`never changes the outcome, whatever the missing say, on ${ROUNDS.toLocaleString("en-US")} random rounds`, () => {
    const seed = Math.floor(Math.random() * 1e9)
    const random = seeded(seed)
    const settled = new Map<string, number>()
    for (let index = 0; index < ROUNDS; index++) {
      const round = drawRound(random, 6)
      const missing = missingOf(round)
      if (missing.length === 0 || missing.length > 2 || !closesEarly(round.rules, round.votes, missing)) continue
      const outcomes = outcomesOf(round, missing)
      if (outcomes.size !== 1) assert.fail(`seed ${seed}: ${JSON.stringify(round)} can end in ${[...outcomes]}`)
      const kind = `${round.rules.method} ${judge(round.rules, round.votes).achieved}`
      settled.set(kind, (settled.get(kind) ?? 0) + 1)
    }
    for (const method of ["simple_majority", "weighted_confidence", "risk_weighted", "expert_override"]) {
      assert.isAbove(settled.get(`${method} true`) ?? 0, 10, method)
    }
    assert.isAbove(settled.get("unanimous false") ?? 0, 10)
  })

  it("happens whenever an achieved consensus is certain, for the methods that count and weigh", () => {
    const seed = Math.floor(Math.random() * 1e9)
    const random = seeded(seed)
    let certain = 0
    for (let index = 0; index < ROUNDS; index++) {
      const round = drawRound(random, 6)
      const missing = missingOf(round)
      const { method } = round.rules
      if (!EXACT.includes(method) || missing.length === 0 || missing.length > 2 || round.votes.length === 0) continue
      const [outcome, ...others] = outcomesOf(round, missing)
      if (others.length > 0 || !outcome!.endsWith("true")) continue
      certain++
      if (!closesEarly(round.rules, round.votes, missing)) assert.fail(`seed ${seed}: ${JSON.stringify(round)}`)
    }
    assert.isAbove(certain, 50)
  })

  it("does not happen with nothing said, and does with nobody missing", () => {
    const { rules, votes } = drawRound(() => 0.3, 6)
    assert.isFalse(closesEarly(rules, [], rules.invited))
    assert.isTrue(closesEarly(rules, votes, []))
  })
})
