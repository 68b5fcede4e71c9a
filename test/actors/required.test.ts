import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  ConsensusProtocol,
  type ConsensusRequest,
  ConsensusResult,
  CoordinatorProtocol
} from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import { openPanel } from "../support/panel.ts"

const Opened = Schema.Struct({ consensus_id: Schema.String })
const house = (type: string) => ({ agent_id: `${type}_ACME`, agent_type: type })

/** A panel that knows a bar, and rounds that are requested of it. */
const opened = () => {
  const panel = openPanel()
  panel.bar(0)
  panel.world.runActivities()
  const request = (more: Partial<ConsensusRequest>) =>
    panel.world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request: { correlation_id: "r", ...more } })
  const idOf = (answer: ReturnType<typeof request>) => Schema.decodeUnknownSync(Opened)(answer?.body).consensus_id
  const resultOf = (id: string) =>
    Schema.decodeUnknownSync(ConsensusResult)(panel.world.ask(ConsensusProtocol, id, "GetResult", {})?.body)
  return { ...panel, request, idOf, resultOf }
}

describe("a round that needs the votes of some", () => {
  it("asks who is invited of the house, also outside the panel", () => {
    const { world, request } = opened()
    request({ invited: ["performance_coach", "comprehensive"].map(house) })
    assert.deepStrictEqual([...world.activities.values()].map(({ owner }) => owner.type).toSorted(), [
      "comprehensive",
      "performance_coach"
    ])
  })

  it("is achieved only with them, whatever the others say", () => {
    for (const silent of ["risk_advisor", "market_analyst"]) {
      const { world, request, idOf, resultOf } = opened()
      const invited = ["market_analyst", "risk_advisor", "strategy_optimizer"].map(house)
      const id = idOf(request({ invited, required: ["risk_advisor_ACME"], method: "simple_majority" }))
      for (const { owner, key } of [...world.activities.values()]) {
        if (owner.type === silent) world.fail(`${owner.type}/ACME`, key, "failure", "it is down")
        else world.succeed(`${owner.type}/ACME`, key, opinionOf("BUY", 0.9))
      }
      assert.deepStrictEqual(resultOf(id).consensus_achieved, silent !== "risk_advisor", silent)
    }
  })

  it("is not opened where one who is required is not invited", () => {
    const { request } = opened()
    const answer = request({ invited: [house("market_analyst")], required: ["risk_advisor_ACME"] })
    assert.deepInclude(answer?.body, { _tag: "InvalidRound", field: "required.0", rule: "is required and not invited" })
  })
})
