import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { CoordinatorProtocol, toWindow } from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import { openPanel, prices } from "../support/panel.ts"

const Result = Schema.Struct({ payload: Schema.Struct({ closed_by: Schema.String }) })
const Failure = Schema.Struct({ _tag: Schema.String })

describe("analyses with deadlines, some of them cancelled", () => {
  it("are each answered once, by their deadline where they wait, and leave nothing behind", () => {
    const happening = fc.oneof(
      { weight: 1, arbitrary: fc.constant("bar" as const) },
      { weight: 4, arbitrary: fc.constantFrom("ask" as const, "ask with bars" as const) },
      { weight: 2, arbitrary: fc.constant("cancel" as const) },
      { weight: 4, arbitrary: fc.constantFrom("agent answers" as const, "agent fails" as const) },
      { weight: 3, arbitrary: fc.constant("time passes" as const) }
    )
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), fc.infiniteStream(fc.nat({ max: 99 })), (story, chance) => {
        const { world, bar, status, decisions } = openPanel()
        const draw = (below: number) => chance.next().value % below
        const deadlines = new Map<string, number>()
        let bars = 0
        for (const what of story) {
          const running = [...world.activities.values()]
          const agent = running[draw(Math.max(1, running.length))]
          const owner = `${agent?.owner.type}/${agent?.owner.id}`
          if (what === "bar") bar(bars++)
          else if (what === "time passes") world.advance(100 * draw(30))
          else if (what === "agent answers" && agent) world.succeed(owner, agent.key, opinionOf("SELL", 0.7))
          else if (what === "agent fails" && agent) world.fail(owner, agent.key, "failure", "down")
          else if (what === "cancel") {
            const correlation_id = `ask${draw(8)}`
            world.ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id, reason: "by chance" })
          } else if (what.startsWith("ask")) {
            const name = `ask${deadlines.size}`
            const timeout_ms = 500 + 100 * draw(60)
            deadlines.set(name, world.now + timeout_ms)
            const own = what === "ask" ? {} : { bars: toWindow(prices.slice(0, 3)) }
            world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: name, timeout_ms, ...own }, name)
          }
          // Its round takes votes until then, so that the answer is there at the very moment.
          for (const [name, deadline] of deadlines) {
            if (deadline <= world.now) assert.isTrue(world.answers.has(name), `${name} by its deadline`)
          }
        }
        for (let rounds = 0; rounds < 60 && status().analyzing !== null; rounds++) world.advance(5000)
        assert.deepInclude(status(), { analyzing: null, waiting: 0, bars })
        for (const name of deadlines.keys()) {
          const answer = world.answers.get(name)
          assert.isDefined(answer)
          seen.add(answer?.outcome === "ok" ? "ok" : Schema.decodeUnknownSync(Failure)(answer?.body)._tag)
        }
        const results = world
          .seen("coordination.consensus_result.ACME")
          .map((event) => Schema.decodeUnknownSync(Result)(event).payload.closed_by)
        const decided = results.filter((closedBy) => closedBy !== "cancelled")
        assert.strictEqual(status().decisions, decided.length)
        assert.strictEqual(decisions().length, decided.length)
        assert.strictEqual(results.length, world.seen("coordination.consensus_request.ACME").length)
        world.advance(120_000)
        assert.deepStrictEqual(
          [...world.timers.values()].filter(({ owner }) => owner.type !== "performance"),
          []
        )
      }),
      { numRuns: 120 }
    )
    assert.includeMembers([...seen], ["ok", "AnalysisCancelled", "DeadlinePassed"])
  })
})
