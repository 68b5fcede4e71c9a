// Simulated markets for a running system.
import { Deferred, Effect, Exit, Fiber, type Scope, Stream } from "effect"
import { feed } from "../actors/index.ts"
import { SimulationRunning } from "../gateway/index.ts"
import type { Bar, MarketSimulationBody, MarketSimulationReport } from "../protocols/index.ts"
import type { Actors, AskError } from "../runtime/index.ts"
import { simulatedMarket } from "../sim/index.ts"

const DAY_MILLIS = 24 * 3_600_000
const SYMBOLS = ["ACME", "GLOBEX", "INITECH"]

/** A simulated market that is given to its coordinators. */
export interface MarketSimulation {
  /** How far it is now. */
  readonly report: () => MarketSimulationReport
  /** Waits until it has ended or was stopped; fails on what trying again does not change. */
  readonly ended: Effect.Effect<MarketSimulationReport, AskError>
  /** Stops it, and waits until no more bar is sent. */
  readonly stop: Effect.Effect<MarketSimulationReport>
}

/** The symbols of a simulation. */
export const symbolsOf = ({ symbols = SYMBOLS }: MarketSimulationBody): ReadonlyArray<string> => symbols

/** Of which symbols a market is being simulated: of each one at a time, whoever began it. */
export class SimulatedSymbols {
  readonly #simulated = new Set<string>()

  has(symbol: string): boolean {
    return this.#simulated.has(symbol)
  }

  /** Takes all of the symbols or none, until what it gives is done, which may be done more than once. */
  take(symbols: ReadonlyArray<string>): Effect.Effect<Effect.Effect<void>, SimulationRunning> {
    return Effect.suspend(() => {
      const symbol = symbols.find((each) => this.has(each))
      if (symbol !== undefined) return Effect.fail(new SimulationRunning({ symbol }))
      const own = new Set(symbols)
      for (const each of own) this.#simulated.add(each)
      return Effect.succeed(
        Effect.sync(() => {
          for (const each of own) this.#simulated.delete(each)
          own.clear()
        })
      )
    })
  }
}

/**
 * Begins to feed a simulated market, until it ends, is stopped, or the scope closes. Its first bars are the past and are sent at
 * once. Of a symbol that is known already it goes on after the last bar that its coordinator has seen, by as many bars as are wanted.
 * Its symbols are free again once no more bar is sent.
 */
export const beginSimulation = (
  body: MarketSimulationBody,
  simulated: SimulatedSymbols
): Effect.Effect<MarketSimulation, SimulationRunning, Actors | Scope.Scope> =>
  Effect.gen(function* () {
    const { seed = 1, speed = 1, interval_ms: intervalMillis = DAY_MILLIS, regime, bars, past_bars } = body
    const seen = new Map(symbolsOf(body).map((symbol) => [symbol, { count: 0, last: undefined as Bar | undefined }]))
    let state: MarketSimulationReport["state"] = "running"
    const report = (): MarketSimulationReport => ({
      symbols: [...seen].map(([symbol, { count, last }]) => ({
        symbol,
        bars: count,
        last_bar_time: last?.time ?? null,
        last_price: last?.close ?? null
      })),
      state
    })
    const feedOne = ([symbol, so]: [string, { count: number; last: Bar | undefined }]) => {
      const chosen = { symbol, seed, intervalMillis, ...(regime === undefined ? {} : { regime }) }
      const market = simulatedMarket(chosen, past_bars)
      const taken = (bar: Bar) => {
        so.count++
        so.last = bar
      }
      const past = Stream.takeWhile(market.bars, (bar) => bar.time < market.pastUntil)
      const present = Stream.dropWhile(market.bars, (bar) => bar.time < market.pastUntil)
      return Effect.andThen(
        feed({ symbol, bars: past, intervalMillis: 0, taken }),
        feed({ symbol, bars: present, count: bars, intervalMillis: 1_000 / speed, taken })
      )
    }
    const free = yield* Effect.acquireRelease(simulated.take([...seen.keys()]), (free) => free)
    const done = yield* Deferred.make<MarketSimulationReport, AskError>()
    const feeding = Effect.forEach([...seen], feedOne, { concurrency: "unbounded", discard: true }).pipe(
      Effect.onExit((exit) =>
        Effect.suspend(() => {
          state = Exit.isSuccess(exit) ? "ended" : "stopped"
          const found = Exit.hasInterrupts(exit) ? Exit.succeed(report()) : Exit.map(exit, report)
          return Effect.andThen(free, Deferred.done(done, found))
        })
      )
    )
    const fiber = yield* Effect.forkScoped(feeding, { startImmediately: true })
    return {
      report,
      ended: Deferred.await(done),
      stop: Effect.map(Fiber.interrupt(fiber), report)
    }
  })
