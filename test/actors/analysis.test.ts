import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { opinionOf } from "../support/bars.ts"
import { openPanel, prices } from "../support/panel.ts"

describe("analyses of a symbol", () => {
  it("answers every request once and leaves nothing behind, whatever comes in whatever order", () => {
    const happening = fc.oneof(
      { weight: 3, arbitrary: fc.constant("bar" as const) },
      { weight: 2, arbitrary: fc.constantFrom("ask" as const, "ask with bars" as const) },
      { weight: 4, arbitrary: fc.constantFrom("agent answers" as const, "agent fails" as const) },
      { weight: 1, arbitrary: fc.constant("time passes" as const) }
    )
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), fc.infiniteStream(fc.nat({ max: 99 })), (story, chance) => {
        const { world, bar, analyze, decisions, status } = openPanel()
        let bars = 0
        const asks: Array<string> = []
        for (const what of story) {
          const running = [...world.activities.values()]
          const agent = running[chance.next().value % Math.max(1, running.length)]
          const owner = `${agent?.owner.type}/${agent?.owner.id}`
          if (what === "bar") bar(bars++)
          else if (what === "time passes") world.advance(2000)
          else if (what === "agent answers" && agent) world.succeed(owner, agent.key, opinionOf("SELL", 0.7))
          else if (what === "agent fails" && agent) world.fail(owner, agent.key, "failure", "down")
          else if (what.startsWith("ask")) {
            asks.push(`ask${asks.length}`)
            analyze(asks.at(-1)!, what === "ask" ? undefined : prices.slice(0, 3))
          }
        }
        for (let rounds = 0; rounds < 60 && status().analyzing !== null; rounds++) world.advance(5000)
        assert.deepInclude(status(), { analyzing: null, waiting: 0, bars, decisions: decisions().length })
        for (const name of asks) assert.isTrue(world.answers.has(name))
        const opened = world.seen("coordination.consensus_request.ACME").length
        assert.strictEqual(decisions().length, opened)
        // The newest bars never go unseen.
        if (bars > 0)
          assert.include(
            decisions().map(({ price }) => price),
            prices[bars - 1]!.close
          )
      }),
      { numRuns: 60 }
    )
  })
})
