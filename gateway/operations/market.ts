import { Clock, Duration, Effect } from "effect"
import { type Bar, type BarsBody, type BarsTaken, CoordinatorProtocol, type FutureTime } from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { type Caller, once, UNCOUNTED } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

export type FeedFailure = AskError | TooManySymbols | typeof FutureTime.Type

/** How far ahead of the clock a client's bars may be: as far as two clocks, and the beginning of a day in two places, are apart. */
const AHEAD_MILLIS = Duration.toMillis("1 day")

/**
 * Gives bars to the coordinator of their symbol, one after the other, so that none is taken before the one ahead of it.
 *
 * A bar that is far ahead of the clock is refused, and so all that came with it: once it was taken, those of the present would be
 * stale. If it fails otherwise, those before have been taken. Asked again with the same key they count as taken, once; without a key as stale.
 */
export const feedBars = (
  symbol: string,
  body: BarsBody,
  caller: Caller
): Effect.Effect<BarsTaken, FeedFailure, Actors> =>
  Effect.gen(function* () {
    yield* caller.quota.name([symbol])
    const year = body.bars_per_year === undefined ? {} : { bars_per_year: body.bars_per_year }
    const latest = (yield* Clock.currentTimeMillis) + AHEAD_MILLIS
    const ahead = body.bars.find(({ time }) => time > latest)
    if (ahead !== undefined)
      return yield* Effect.fail({ _tag: "FutureTime", symbol, time: ahead.time, latest } as const)
    const { ask } = yield* Actors
    return yield* once(caller, { operation: "feed", target: symbol, body }, UNCOUNTED, ({ messageId, ...sent }) => {
      const give = (bar: Bar) => {
        const id = messageId === undefined ? {} : { messageId: `${messageId}-${bar.time}` }
        return ask(CoordinatorProtocol, symbol, "Bar", { bar, ...year }, { ...sent, ...id }).pipe(
          Effect.as(undefined),
          Effect.catchTag("StaleBar", () => Effect.succeed(bar.time))
        )
      }
      return Effect.map(Effect.forEach(body.bars, give), (times) => {
        const stale = times.filter((time) => time !== undefined)
        return { symbol, taken: times.length - stale.length, stale }
      })
    })
  }).pipe(Effect.annotateLogs({ symbol }))
