import { Effect } from "effect"
import { quantPolicy } from "../actors/index.ts"
import { walkForward } from "../cli/evaluate/backtest.ts"
import { takeBars } from "../sim/index.ts"
import type { Part } from "./part.ts"
import { millis, mustBe, perSecond, printTable, rate } from "./report.ts"
import { measured } from "./system.ts"

const BARS = 50_000
const SECONDS_MAX = 60

/** How long a backtest takes: prices through coordinator, agents, rounds, learning and six accounts, on one thread. */
export const backtest: Part = {
  name: "backtest",
  once: true,
  run: () =>
    Effect.gen(function* () {
      const bars = takeBars({ seed: 1, symbol: "ACME", startTime: 0 }, BARS)
      let walk: ReturnType<typeof walkForward> | undefined
      const elapsed = yield* measured(
        Effect.sync(() => {
          walk = walkForward(bars, { symbol: "ACME", policy: quantPolicy })
        })
      )
      yield* mustBe("bars walked", (walk?.bars.length ?? 0) + (walk?.warmUp ?? 0), BARS)
      const messages = walk?.messages ?? 0
      yield* printTable(
        "Backtest: bars through the actors in virtual time, with six paper accounts, on one thread",
        ["", "in all", "a bar", "messages"],
        [
          [
            `${BARS.toLocaleString("en-US")} bars`,
            `${(elapsed / 1_000).toFixed(1)} s`,
            millis(elapsed / BARS),
            rate(perSecond(messages, elapsed))
          ]
        ]
      )
      const seconds = elapsed / 1_000
      return [
        {
          says: `${BARS.toLocaleString("en-US")} bars in a minute`,
          value: `${seconds.toFixed(1)} s`,
          met: seconds < SECONDS_MAX
        }
      ]
    })
}
