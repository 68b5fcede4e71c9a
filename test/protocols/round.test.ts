import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { judge } from "../../actors/consensus/judge.ts"
import { jointOf } from "../../actors/consensus/opinion-pool.ts"
import { ConsensusBody, CoordinatorProtocol, RoundRequest } from "../../protocols/index.ts"
import { REQUEST } from "../support/open-round.ts"

const refused = (decode: () => unknown) => {
  try {
    decode()
    return "taken"
  } catch (error) {
    return String(error)
  }
}

describe("weights that somebody gives", () => {
  const body = (weights: object) => () => Schema.decodeUnknownSync(ConsensusBody)({ symbol: "ACME", weights })

  it("are refused where one is so light beside another that nothing would be left of it", () => {
    assert.strictEqual(refused(body({ a: 1e-6, b: 1e6, c: 0 })), "taken")
    assert.match(refused(body({ a: 1e-300, b: 1e300 })), /at most 1000000000000 times the lightest/)
    assert.match(refused(body({ a: 1e13 })), /who is not named weighs 1/)
    const set = CoordinatorProtocol.messages.SetWeights.payload
    assert.match(
      refused(() => Schema.decodeUnknownSync(set)({ weights: { a: 1e13 } })),
      /at most/
    )
  })

  it("are read from a journal whatever their ratio", () => {
    const stored = { ...REQUEST, weights: { a: 1e-300, b: 1e300 } }
    assert.deepStrictEqual(Schema.decodeUnknownSync(RoundRequest)(stored), stored)
  })

  it("leave a veto in the pool what it is, as far as they may go", () => {
    const sure = { BUY: 0.9, SELL: 0.05, HOLD: 0.05 }
    const veto = { BUY: 0, SELL: 0.5, HOLD: 0.5 }
    const vote = (index: number, probabilities: typeof sure) => ({
      ...REQUEST.invited[index]!,
      ...{ decision: "BUY" as const, confidence: 0.9, reasoning: "", probabilities }
    })
    const weights = { market_analyst_ACME: 1e6, risk_advisor_ACME: 1e-6 }
    const rules = { ...REQUEST, method: "log_opinion_pool" as const, weights }
    assert.strictEqual(jointOf(rules, [vote(0, sure), vote(1, veto)]).BUY, 0)
  })
})

describe("a round whose votes all weigh nothing", () => {
  it("is not achieved by any method that weighs, also where all say the same", () => {
    const votes = REQUEST.invited.map((voter) => ({
      ...voter,
      decision: "BUY" as const,
      confidence: 0.9,
      reasoning: ""
    }))
    const weights = Object.fromEntries(REQUEST.invited.map(({ agent_id }) => [agent_id, 0]))
    for (const method of ["risk_weighted", "weighted_confidence", "log_opinion_pool"] as const) {
      assert.isFalse(judge({ ...REQUEST, method, weights }, votes).achieved, method)
    }
  })
})
