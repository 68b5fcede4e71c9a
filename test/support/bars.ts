import fc from "fast-check"
import type { Bar, Decision, Opinion, Vote } from "../../protocols/index.ts"
import { agentId } from "../../protocols/index.ts"

/** A sound bar at a time: any four prices of the range, in an order that fits. */
export const barsArbitrary = (options: { minLength?: number; maxLength: number; priceMax?: number }) =>
  fc
    .array(
      fc.record({
        gap: fc.integer({ min: 1, max: 10 * 86_400_000 }),
        prices: fc.tuple(...Array.from({ length: 4 }, () => priceArbitrary(options.priceMax ?? 1e6))),
        openFirst: fc.boolean(),
        volume: fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e12, noNaN: true }))
      }),
      { minLength: options.minLength ?? 0, maxLength: options.maxLength }
    )
    .map((steps) => {
      let time = 0
      return steps.map(({ gap, prices, openFirst, volume }): Bar => {
        time += gap
        const [low, one, other, high] = prices.toSorted((a, b) => a - b)
        const [open, close] = openFirst ? [one!, other!] : [other!, one!]
        // JSON and CSV have no -0.
        return { time, open, high: high!, low: low!, close, volume: volume + 0 }
      })
    })

const priceArbitrary = (max: number) =>
  fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 1e-6, max, noNaN: true }))

/** One bar a day from 2024 on, whose closes are given. */
export const dailyBars = (closes: ReadonlyArray<number>): ReadonlyArray<Bar> =>
  closes.map((close, index) => ({
    time: Date.UTC(2024, 0, 1 + index),
    open: close,
    high: close * 1.01,
    low: close * 0.99,
    close,
    volume: 1000
  }))

export const opinionOf = (decision: Decision, confidence: number): Opinion => {
  const rest = (1 - confidence) / 2
  return {
    decision,
    confidence,
    probabilities: { BUY: rest, SELL: rest, HOLD: rest, [decision]: confidence },
    reasoning: `because of ${decision}`,
    tool_calls: [],
    metadata: { policy: "scripted" }
  }
}

export const PANEL = ["market_analyst", "risk_advisor", "strategy_optimizer"] as const

export const voteOf = (type: (typeof PANEL)[number], decision: Decision, confidence: number): Vote => ({
  agent_id: agentId(type, "ACME"),
  agent_type: type,
  decision,
  confidence,
  reasoning: "said so"
})
