// By what a simulated market is chosen on the command line.
import { Option } from "effect"
import { Flag } from "effect/cli"
import { MARTINGALE, REGIMES } from "../../sim/index.ts"
import { parseDuration } from "../options.ts"

const DAY_MILLIS = 24 * 3_600_000

export const seedFlag = Flag.Int("seed").pipe(
  Flag.withDescription("Which market: the same number gives the same one (default: 1)"),
  Flag.withDefault(1)
)

export const instrumentFlag = Flag.Literals("instrument", ["stock", "currency"]).pipe(
  Flag.withDescription("What is traded: its volatility, tails, volume and hours (default: stock)"),
  Flag.withDefault("stock")
)

export const intervalFlag = Flag.String("interval").pipe(
  Flag.withDescription("The length of a bar, such as 1m, 1h or 24h (default: 24h)"),
  Flag.withMetavar("DURATION"),
  Flag.filterMap(
    (text) => {
      const millis = parseDuration(text)
      return millis !== undefined && Number.isInteger(millis) && millis >= 1_000
        ? Option.some(millis)
        : Option.none<number>()
    },
    () => "must be a duration of at least 1s, such as 1m, 1h or 24h"
  ),
  Flag.withDefault(DAY_MILLIS)
)

export const regimeFlag = Flag.Literals("regime", [...REGIMES, MARTINGALE]).pipe(
  Flag.withDescription("What the market is in all the time; it goes from one to the next unless given"),
  Flag.optional
)
