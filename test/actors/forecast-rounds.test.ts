// What people read of a joint decision is how likely it is to turn out right, also where no agent goes by rules.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allActors } from "../../actors/index.ts"
import { PolicyError } from "../../actors/policy.ts"
import { type AgentType, AnalysisResult, CoordinatorProtocol, type Decision, toWindow } from "../../protocols/index.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"

type Said = Partial<Record<AgentType, readonly [Decision, number]>>

/** The answer of a panel whose votes have probabilities and no strengths, as those of language models. */
const answerOf = (said: Said) => {
  const policy = ({ agentType }: { readonly agentType: AgentType }) => {
    const [decision, confidence] = said[agentType] ?? []
    return decision === undefined || confidence === undefined
      ? Effect.fail(new PolicyError({ detail: "no answer" }))
      : Effect.succeed(opinionOf(decision, confidence))
  }
  const world = new Decider(allActors({ policy }))
  const bars = toWindow(dailyBars([100, 101]))
  world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "c", bars }, "asked")
  world.runActivities()
  world.advance(20_000)
  return Schema.decodeUnknownSync(AnalysisResult)(world.answers.get("asked")?.body)
}

describe("an analysis by voters that have no strengths", () => {
  it("tells what their probabilities together give to the decision, and the strength beside it", () => {
    const found = answerOf({
      market_analyst: ["BUY", 0.6],
      risk_advisor: ["HOLD", 0.5],
      strategy_optimizer: ["HOLD", 0.5]
    })
    assert.strictEqual(found.final_recommendation, "HOLD")
    assert.closeTo(found.confidence, (0.2 + 0.5 + 0.5) / 3, 1e-9)
    assert.isAbove(found.strength!, found.confidence)
  })

  it("has the one number for both where all say the same, and none where nobody says anything", () => {
    const all = answerOf({ market_analyst: ["BUY", 0.7], risk_advisor: ["BUY", 0.7], strategy_optimizer: ["BUY", 0.7] })
    assert.closeTo(all.confidence, 0.7, 1e-9)
    assert.closeTo(all.strength!, 0.7, 1e-9)
    const none = answerOf({})
    assert.deepInclude(none, { final_recommendation: "HOLD", confidence: 0, consensus_achieved: false })
    assert.isUndefined(none.strength)
  })
})
