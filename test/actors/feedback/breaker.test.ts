import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { SYMBOLS_MAX } from "../../../actors/feedback/state.ts"
import { BreakerState } from "../../../protocols/index.ts"
import { define, persist, send } from "../../../runtime/index.ts"
import { FAILED, openTracker } from "../../support/uses.ts"

const Listener = {
  type: "listener",
  messages: { Told: { payload: Schema.Struct({ tool: Schema.String, state: BreakerState }) } }
} as const

/** Stands for an agent; its state is what it was told last. */
const listener = define({
  protocol: Listener,
  state: Schema.String,
  initial: () => "",
  events: { Heard: { text: Schema.String } },
  decide: { Told: (_, { tool, state }) => [persist({ _tag: "Heard", text: `${tool} ${state}` })] },
  evolve: { Heard: (_, { text }) => text }
})

const breaker = { latest: 4, failures: 2, pauseMillis: 1_000, pauseMillisMax: 3_000 }

type Deed = "good" | "bad" | "not its own" | "wait"

const alertsOf = (world: ReturnType<typeof openTracker>["world"]) =>
  world.published.filter(({ type }) => type === "alert").map(({ data }) => Object(data).code)

describe("the breaker of a tool", () => {
  it("opens, rests, is tried and closes as a plain reading of its rules does", () => {
    const deeds = fc.array(fc.constantFrom<Deed>("good", "bad", "bad", "not its own", "wait"), { maxLength: 40 })
    fc.assert(
      fc.property(deeds, (story) => {
        const tracker = openTracker({ breaker })
        // The reading: what failed since it closed, and until when it rests.
        const reading: { state: BreakerState; failed: Array<boolean>; until: number; pause: number } = {
          state: "closed",
          failed: [],
          until: 0,
          pause: 0
        }
        const open = (pause: number) =>
          Object.assign(reading, { state: "open", pause, until: tracker.world.now + pause })
        for (const deed of story) {
          tracker.world.advance(deed === "wait" ? 700 : 1)
          if (reading.state === "open" && tracker.world.now >= reading.until) reading.state = "half_open"
          if (deed === "not its own") tracker.use({ status: "failed", error_kind: "insufficient_data" })
          if (deed === "good" || deed === "bad") {
            tracker.use(deed === "good" ? {} : FAILED)
            if (reading.state === "half_open" && deed === "good") {
              Object.assign(reading, { state: "closed", failed: [false] })
            } else if (reading.state === "half_open") open(Math.min(2 * reading.pause, 3_000))
            else if (reading.state === "closed") {
              reading.failed = [...reading.failed, deed === "bad"].slice(-4)
              if (deed === "bad" && reading.failed.filter(Boolean).length >= 2) open(1_000)
            }
          }
          assert.strictEqual(tracker.report().breaker.state, reading.state)
        }
      }),
      { numRuns: 300 }
    )
  })

  it("tells the agents that used the tool lately, and everybody by an alert", () => {
    const tracker = openTracker(
      { breaker, tellAgent: ({ symbol }, tool) => send(Listener, symbol, "Told", tool) },
      listener
    )
    const told = () => ["ACME", "INIT"].map((symbol) => tracker.world.state(`listener/${symbol}`))
    tracker.use({ symbol: "ACME" })
    tracker.use({ symbol: "INIT", ...FAILED })
    tracker.use({ symbol: "ACME", ...FAILED })
    assert.deepStrictEqual(told(), ["rsi open", "rsi open"])
    assert.deepStrictEqual(alertsOf(tracker.world), ["tool_breaker_open"])
    tracker.world.advance(1_000)
    assert.deepStrictEqual(told(), ["rsi half_open", "rsi half_open"])
    tracker.use()
    assert.deepStrictEqual(told(), ["rsi closed", "rsi closed"])
    assert.strictEqual(tracker.report().breaker.state, "closed")
    assert.deepStrictEqual(alertsOf(tracker.world), ["tool_breaker_open", "tool_breaker_closed"])
  })

  it("tells whom it told that it opened also that it closed, whoever else uses the tool meanwhile", () => {
    const tracker = openTracker(
      { breaker, tellAgent: ({ symbol }, tool) => send(Listener, symbol, "Told", tool) },
      listener
    )
    tracker.use({ symbol: "ACME", ...FAILED })
    tracker.use({ symbol: "ACME", ...FAILED })
    const others = Array.from({ length: SYMBOLS_MAX }, (_, index) => `S${index}`)
    for (const symbol of others) tracker.use({ symbol })
    assert.strictEqual(tracker.world.state("listener/ACME"), "rsi open")
    tracker.world.advance(1_000)
    for (const symbol of others) tracker.use({ symbol })
    assert.strictEqual(tracker.world.state("listener/ACME"), "rsi closed")
  })

  it("and the alert of a tool that degrades, do not mind that new symbols have too few bars", () => {
    const tracker = openTracker({})
    for (let index = 0; index < 50; index++) tracker.use()
    for (let index = 0; index < 50; index++) tracker.use({ status: "failed", error_kind: "insufficient_data" })
    assert.deepStrictEqual(alertsOf(tracker.world), [])
  })
})
