// What a market's decisions say of where its bars come from.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { Basis, CoordinatorProtocol } from "../../protocols/index.ts"
import { dailyBars } from "../support/bars.ts"
import { Decider } from "../support/decider.ts"

const Decided = Schema.Struct({ payload: Schema.Struct({ basis: Basis }) })
const Opinion = Schema.Struct({ metadata: Schema.Struct({ basis: Basis }) })
const source = {
  name: "ACME.csv",
  layout: "commas, days",
  warnings: ["prices jump, and stay there (1 in all, line 3)"]
}

describe("decisions on the bars of a market", () => {
  it("carry the warnings of the file that they come from, each agent's and the joint one, until others come", () => {
    const world = new Decider(allActors({ policy: quantPolicy }))
    const bars = dailyBars([100, 101, 102, 103])
    const told = [source, source, undefined, { ...source, name: "other.csv" }]
    for (const [at, bar] of bars.entries()) {
      const from = told[at]
      world.ask(CoordinatorProtocol, "ACME", "Bar", { bar, ...(from === undefined ? {} : { source: from }) })
      world.runActivities()
    }
    const joint = world.seen("coordination.final_decision.ACME").map((each) => {
      const { basis } = Schema.decodeUnknownSync(Decided)(each).payload
      return basis.source
    })
    assert.deepStrictEqual(joint, told)
    const own = world.seen("decision.ACME.risk_advisor").map((each) => {
      const { basis } = Schema.decodeUnknownSync(Opinion)(each).metadata
      return basis.source
    })
    assert.deepStrictEqual(own, told)
  })
})
