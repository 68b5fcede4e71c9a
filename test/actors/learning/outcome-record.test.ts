// How often each decision would have been right, counted over all bars that ever came.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { allActors, quantPolicy } from "../../../actors/index.ts"
import { type OutcomeRecord, recordBar } from "../../../actors/learning/outcome-record.ts"
import { OUTCOME_DEFAULTS, patienceFor } from "../../../actors/learning/outcome-rule.ts"
import { outcomeOf } from "../../../actors/learning/scoring.ts"
import {
  AnalysisResult,
  type Bar,
  CoordinatorProtocol,
  emptyWindow,
  PerformanceProtocol,
  PerformanceReport,
  pushBar,
  toWindow
} from "../../../protocols/index.ts"
import { DirectHost } from "../../../sim/index.ts"
import { barsArbitrary, dailyBars } from "../../support/bars.ts"
import { Decider } from "../../support/decider.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR

const recordOf = (bars: ReadonlyArray<Bar>, rule = OUTCOME_DEFAULTS): OutcomeRecord | undefined => {
  let [window, record] = [emptyWindow, undefined as OutcomeRecord | undefined]
  for (const bar of bars) {
    record = recordBar(record, window, bar, rule)
    window = pushBar(window, bar)
  }
  return record
}
const totalOf = (record: OutcomeRecord | undefined) => {
  const { BUY, SELL, HOLD } = record?.counts ?? { BUY: 0, SELL: 0, HOLD: 0 }
  return BUY + SELL + HOLD
}
const barAt = (time: number, close: number): Bar => ({ time, open: close, high: close, low: close, close, volume: 1 })
const moving = (times: ReadonlyArray<number>) => times.map((time, index) => barAt(time, 100 * 1.01 ** index))

describe("the record of outcomes", () => {
  it("has all days' outcomes, however many bars there were", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 90, max: 110 }), { minLength: 1, maxLength: 400 }), (closes) => {
        const expected = { BUY: 0, SELL: 0, HOLD: 0 }
        for (const [index, close] of closes.slice(1).entries()) {
          expected[outcomeOf(closes[index]!, close, OUTCOME_DEFAULTS.threshold)]++
        }
        assert.deepStrictEqual(recordOf(dailyBars(closes))?.counts, expected)
      }),
      { numRuns: 20 }
    )
  })

  it("has one outcome a day where bars are minutes, which no window holds", () => {
    const minutes = Array.from({ length: 3 * 1_440 + 1 }, (_, index) => barAt(index * 60_000, 100 + index / 50))
    assert.deepStrictEqual(recordOf(minutes)?.counts, { BUY: 3, SELL: 0, HOLD: 0 })
  })

  it("has those of weeks, months and quarters, by the bar after, and none over a hole", () => {
    const months = (count: number, by: number) => Array.from({ length: count }, (_, at) => Date.UTC(2020, at * by, 1))
    for (const times of [
      Array.from({ length: 30 }, (_, at) => Date.UTC(2024, 0, 1) + 7 * DAY * at + (at % 5 === 0 ? DAY : 0)),
      months(30, 1),
      months(30, 3)
    ]) {
      // Two bars do not tell how long one is: the first outcome is not known.
      assert.strictEqual(totalOf(recordOf(moving(times))), times.length - 2)
    }
    const hole = Array.from({ length: 30 }, (_, at) => DAY * (at < 15 ? at : at + 300))
    assert.strictEqual(totalOf(recordOf(moving(hole))), 28)
    assert.strictEqual(patienceFor(OUTCOME_DEFAULTS, [0, 300 * DAY]), OUTCOME_DEFAULTS.patienceMillis)
  })

  it("begins with the bars that are there, and anew where the rule is another one", () => {
    const bars = dailyBars(Array.from({ length: 60 }, (_, index) => 100 + (index % 7)))
    const last = bars.at(-1)!
    assert.deepStrictEqual(recordBar(undefined, toWindow(bars.slice(0, -1)), last, OUTCOME_DEFAULTS), recordOf(bars))
    const other = { ...OUTCOME_DEFAULTS, threshold: 0.03 }
    const changed = recordBar(recordOf(bars.slice(0, -1)), toWindow(bars.slice(0, -1)), last, other)
    assert.deepStrictEqual(changed, recordOf(bars, other))
  })

  it("counts nothing that is not known at its last bar", () => {
    fc.assert(
      fc.property(barsArbitrary({ minLength: 2, maxLength: 40 }), fc.nat(39), (bars, at) => {
        const known = bars.slice(0, Math.min(at, bars.length - 1) + 1)
        const record = recordOf(known)!
        assert.isAtMost(record.since.time, known.at(-1)!.time)
        assert.isAtMost(totalOf(record), known.length - 1)
      })
    )
  })
})

describe("a system that has seen years", () => {
  it("says of its own bars what all of them tell, and of bars of a request what these tell", () => {
    // Three up and two down.
    const closes = Array.from({ length: 500 }, (_, at) => 100 * 1.01 ** (Math.floor(at / 5) + [0, 1, 0, 1, 0][at % 5]!))
    const bars = dailyBars(closes)
    const host = new DirectHost({ actors: allActors({ policy: quantPolicy }), startTime: 0 })
    for (const bar of bars) {
      host.advanceTo(bar.time + DAY)
      host.ask(CoordinatorProtocol, "ACME", "Bar", { bar })
    }
    const chanceOf = (correlation_id: string, given: { bars?: ReturnType<typeof toWindow> }) => {
      const answer = host.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id, ...given })
      const { votes } = Schema.decodeUnknownSync(AnalysisResult)(answer?.body)
      const { BUY, SELL } = votes[0]!.probabilities!
      return BUY / (BUY + SELL)
    }
    assert.closeTo(chanceOf("own", {}), 0.6, 0.01)
    assert.isBelow(chanceOf("given", { bars: toWindow(bars) }), 0.58)
  })

  it("has outcomes of what is decided on weeks and months", () => {
    for (const times of [
      Array.from({ length: 12 }, (_, at) => Date.UTC(2024, 0, 1 + 7 * at)),
      Array.from({ length: 12 }, (_, at) => Date.UTC(2024, at, 1))
    ]) {
      const world = new Decider(allActors({ policy: quantPolicy }))
      world.now = times[0]!
      for (const bar of moving(times)) {
        world.advance(Math.max(0, bar.time - world.now))
        world.ask(CoordinatorProtocol, "ACME", "Bar", { bar })
        world.runActivities()
      }
      const report = Schema.decodeUnknownSync(PerformanceReport)(
        world.ask(PerformanceProtocol, "ACME", "GetPerformance", {})?.body
      )
      assert.strictEqual(report.outcomes.BUY, times.length - 3)
      assert.deepInclude(report.unscored, { no_price: 2 })
    }
  })
})
