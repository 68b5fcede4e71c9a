import { Clock, Effect, Schedule, Stream } from "effect"
import { type Bar, type BarSource, CoordinatorProtocol, type MarketSymbol } from "../protocols/index.ts"
import { Actors, type AskError, omitUndefined, Recurring } from "../runtime/index.ts"

export interface Feed<E, R> {
  readonly symbol: MarketSymbol
  /** Oldest first; may be endless. */
  readonly bars: Stream.Stream<Bar, E, R>
  /** How many such bars a year of trading has, where that is known. */
  readonly barsPerYear?: number | undefined
  /** Where they come from, and what looks wrong there; decisions on them say it. */
  readonly source?: BarSource | undefined
  /** The least time between two bars, in milliseconds. */
  readonly intervalMillis: number
  /** It ends after so many bars that are newer than what is known; with the stream unless given. A stale bar does not count. */
  readonly count?: number | undefined
  /** Told of each bar that was taken, once it was. */
  readonly taken?: (bar: Bar) => void
}

/**
 * Gives a market to its coordinator, one bar at a time, until the stream ends, or as many as `count` were given.
 *
 * Bars up to the last one the coordinator has seen are skipped, so that a feed that is started again goes on where it
 * stopped. Each bar is asked, and asked again with the same message id while the answer stays away or there is no room:
 * it counts once. A bar that the coordinator finds stale, or too far in the future, is logged and skipped. A feed that falls behind its pace does not
 * hurry to catch up. Fails on what trying again does not change.
 */
export const feed = <E, R>({
  symbol,
  bars,
  barsPerYear,
  source,
  intervalMillis,
  count = Number.POSITIVE_INFINITY,
  taken = () => {}
}: Feed<E, R>): Effect.Effect<void, AskError | E, Actors | R> =>
  Effect.gen(function* () {
    const actors = yield* Actors
    const persistently = persist(new Recurring())
    const status = yield* persistently(actors.ask(CoordinatorProtocol, symbol, "GetStatus", {}))
    const last = status.last_bar_time
    yield* Effect.logInfo("feed started").pipe(Effect.annotateLogs({ last_bar_time: last ?? "none" }))

    const about = omitUndefined({ bars_per_year: barsPerYear, source })
    const offer = (bar: Bar) =>
      persistently(
        actors.ask(CoordinatorProtocol, symbol, "Bar", { bar, ...about }, { messageId: `feed-${symbol}-${bar.time}` })
      ).pipe(
        Effect.andThen(Effect.sync(() => taken(bar))),
        Effect.as(true),
        Effect.catchTag("StaleBar", ({ time, last_time }) =>
          Effect.as(Effect.annotateLogs(Effect.logWarning("stale bar skipped"), { time, last_time }), false)
        ),
        Effect.catchTag("FutureTime", ({ time, latest }) =>
          Effect.as(Effect.annotateLogs(Effect.logWarning("bar of the future skipped"), { time, latest }), true)
        )
      )

    let left = count
    let dueAt = yield* Clock.currentTimeMillis
    const paced = (bar: Bar) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (dueAt > now) yield* Effect.sleep(dueAt - now)
        dueAt = Math.max(dueAt, now) + intervalMillis
        if (yield* offer(bar)) left--
        return left > 0
      })
    yield* bars.pipe(
      Stream.dropWhile((bar) => last !== null && bar.time <= last),
      Stream.runForEachWhile(paced)
    )
    yield* Effect.logInfo("feed ended")
  }).pipe(Effect.annotateLogs({ symbol }))

const backoff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

const TRANSIENT = ["AskTimeout", "ActorUnavailable", "MailboxFull", "Overloaded", "LogUnavailable", "LogFull"]

/** Asks again, for as long as it takes, where trying again can help: a market does not end because a server restarts. */
const persist =
  (recurring: Recurring) =>
  <A, E extends { readonly _tag: string }, R>(ask: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    ask.pipe(
      Effect.tapError((error) =>
        TRANSIENT.includes(error._tag)
          ? recurring.say("Warn", "no answer yet, asking again", { reason: error._tag })
          : Effect.void
      ),
      Effect.tap(() => Effect.sync(() => recurring.over("no answer yet, asking again"))),
      Effect.retry({ schedule: backoff, while: (error) => TRANSIENT.includes(error._tag) })
    )
