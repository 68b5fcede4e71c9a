import { Effect, Schema, type Stream } from "effect"
import { CSV_BYTES_MAX, parseBars } from "../actors/index.ts"
import type { Bar } from "../protocols/index.ts"
import { marketBars } from "../sim/index.ts"
import { readText } from "./text-file.ts"

/** A file of prices cannot be used; the sentence says where and why. */
export class MarketFileError extends Schema.TaggedError<MarketFileError>()("MarketFileError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.detail}`
  }
}

/** All bars of a CSV file, oldest first. */
export const readBars = (file: string): Effect.Effect<ReadonlyArray<Bar>, MarketFileError> =>
  Effect.gen(function* () {
    const failed = (detail: string) => new MarketFileError({ file, detail })
    const text = yield* readText(file, CSV_BYTES_MAX).pipe(Effect.mapError(failed))
    return yield* parseBars(text).pipe(Effect.mapError((error) => failed(error.message)))
  })

/** The bars up to an instant or day, which counts whole. Fails if there are none. */
export const barsUntil = (
  bars: ReadonlyArray<Bar>,
  at: string,
  file: string,
  flag = "--at"
): Effect.Effect<ReadonlyArray<Bar>, MarketFileError> =>
  Effect.gen(function* () {
    const last = endOf(at)
    if (last === undefined) {
      const detail = `${flag} ${JSON.stringify(at)} is not a date such as 2013-02-28 or 2018-02-07T15:00`
      return yield* new MarketFileError({ file, detail })
    }
    const chosen = bars.filter((bar) => bar.time <= last)
    if (chosen.length > 0) return chosen
    const first = asDay(bars[0]?.time ?? 0)
    return yield* new MarketFileError({ file, detail: `there are no bars up to ${at}; the first is of ${first}` })
  })

/** The bars from an instant or day on, with so many before it. Fails if there are none. */
export const barsFrom = (
  bars: ReadonlyArray<Bar>,
  from: string,
  file: string,
  before: number
): Effect.Effect<ReadonlyArray<Bar>, MarketFileError> =>
  Effect.gen(function* () {
    const end = endOf(from)
    if (end === undefined) {
      const detail = `--from ${JSON.stringify(from)} is not a date such as 2013-02-28 or 2018-02-07T15:00`
      return yield* new MarketFileError({ file, detail })
    }
    const first = from.length > 10 ? end : end - DAY_MILLIS + 1
    const at = bars.findIndex((bar) => bar.time >= first)
    if (at >= 0) return bars.slice(Math.max(0, at - before))
    return yield* new MarketFileError({ file, detail: `there are no bars from ${from} on` })
  })

const DAY_MILLIS = 24 * 3_600_000
/** Simulated markets begin here, on a Thursday, and have a bar each weekday, so that every run has the same ones. */
const SIMULATED_START = Date.UTC(2026, 0, 1)
const SIMULATED_SEED = 1
/** Simulated bars before this time are the past: twelve weeks, which give every agent the bars that it needs to have a view. */
export const SIMULATED_PAST_UNTIL = SIMULATED_START + 84 * DAY_MILLIS

/** An endless simulated market. */
export const simulatedBars = (symbol: string): Stream.Stream<Bar> =>
  marketBars({ seed: SIMULATED_SEED, symbol, startTime: SIMULATED_START })

/** The last millisecond of a day, or an instant; without a zone they are in UTC. */
const endOf = (text: string): number | undefined => {
  const [, day, clock, zone = "Z"] = INSTANT.exec(text) ?? []
  // `Date` turns February 30 into March 1, which then does not come back as it was written.
  if (day === undefined || asDay(Date.parse(`${day}T00:00Z`)) !== day) return undefined
  if (clock === undefined) return Date.parse(`${day}T00:00Z`) + DAY_MILLIS - 1
  const millis = Date.parse(`${day}T${clock}${zone.toUpperCase()}`)
  return Number.isNaN(millis) ? undefined : millis
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i

const asDay = (millis: number): string | undefined =>
  Number.isNaN(millis) ? undefined : new Date(millis).toISOString().slice(0, 10)
