import { Effect } from "effect"
import { type Bar, type BarsBody, type BarsTaken, CoordinatorProtocol } from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { type Caller, once } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

export type FeedFailure = AskError | TooManySymbols

/**
 * Gives bars to the coordinator of their symbol, one after the other, so that none is taken before the one ahead of it.
 *
 * If it fails, those before have been taken. Asked again with the same key they count as taken, once; without a key as stale.
 */
export const feedBars = (
  symbol: string,
  body: BarsBody,
  caller: Caller
): Effect.Effect<BarsTaken, FeedFailure, Actors> =>
  Effect.gen(function* () {
    yield* caller.quota.name([symbol])
    const { ask } = yield* Actors
    return yield* once(caller, { operation: "feed", target: symbol, body }, ({ messageId, ...sent }) => {
      const give = (bar: Bar) => {
        const id = messageId === undefined ? {} : { messageId: `${messageId}-${bar.time}` }
        return ask(CoordinatorProtocol, symbol, "Bar", { bar }, { ...sent, ...id }).pipe(
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
