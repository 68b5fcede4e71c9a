// Many analyses at once through the whole system: the runtime, the log on a disk, and the network.
import { Clock, Effect, Layer, Schema } from "effect"
import { percentile } from "../../actors/index.ts"
import { CoordinatorProtocol, toWindow } from "../../protocols/index.ts"
import { Actors } from "../../runtime/index.ts"
import { openServer, withParts } from "../../server/index.ts"
import { takeBars } from "../../sim/index.ts"
import type { Configuration } from "../config.ts"
import { connect } from "../run/server.ts"
import { nodeName, serveActors } from "../run/system.ts"
import { temporaryFolder } from "./analyze.ts"

export interface StressOptions {
  readonly analyses: number
  readonly seed: number
  /** How many are under way at once; 32 unless given. */
  readonly atOnce?: number
}

export interface StressReport {
  readonly analyses: number
  readonly at_once: number
  readonly seconds: number
  readonly analyses_per_second: number
  /** From asking to the joint decision, in milliseconds, of those that were answered. */
  readonly latency_ms: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }
  /** Those that were not, by the name of the error. */
  readonly errors: { readonly [name: string]: number }
}

const WINDOW = 128
const WARM_UP = 8
const TIMEOUT = "60 seconds"
const Tagged = Schema.Struct({ _tag: Schema.String })
const isTagged = Schema.is(Tagged)

/** Starts a NATS server of its own, that writes to the disk before it confirms, asks so many analyses of it, and stops it. */
export const runStressTest = (config: Configuration, { analyses, seed, atOnce = 32 }: StressOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const server = yield* openServer(config, undefined, yield* temporaryFolder)
      const asked = Effect.gen(function* () {
        const system = yield* Layer.build(connect(config, server, "stress"))
        yield* Layer.build(serveActors(nodeName(), config)).pipe(Effect.provide(system))
        const { ask } = yield* Actors.pipe(Effect.provide(system))
        const questions = Array.from({ length: atOnce }, (_, index) => {
          const symbol = `S${index}`
          return { symbol, bars: toWindow(takeBars({ seed, symbol, startTime: 0 }, WINDOW)) }
        })
        const latencies: Array<number> = []
        const errors = new Map<string, number>()
        const one = (index: number) =>
          Effect.gen(function* () {
            const { symbol, bars } = questions[index % atOnce]!
            const startedAt = clock.monotonicTimeNanosUnsafe()
            const question = { correlation_id: `stress-${index}`, bars }
            const exit = yield* Effect.result(
              ask(CoordinatorProtocol, symbol, "Analyze", question, { timeout: TIMEOUT })
            )
            if (exit._tag === "Success") return Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
            const name = isTagged(exit.failure) ? exit.failure._tag : "unknown"
            errors.set(name, (errors.get(name) ?? 0) + 1)
            return undefined
          })
        yield* Effect.forEach(Array.from({ length: WARM_UP }).keys(), one, { concurrency: atOnce })
        errors.clear()
        const startedAt = clock.monotonicTimeNanosUnsafe()
        yield* Effect.forEach(
          Array.from({ length: analyses }).keys(),
          (index) => Effect.map(one(WARM_UP + index), (millis) => millis !== undefined && latencies.push(millis)),
          { concurrency: atOnce, discard: true }
        )
        const seconds = Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e9
        return reportOf({ analyses, atOnce, seconds, latencies, errors })
      })
      return yield* withParts(server, asked)
    })
  )

const reportOf = (found: {
  readonly analyses: number
  readonly atOnce: number
  readonly seconds: number
  readonly latencies: ReadonlyArray<number>
  readonly errors: ReadonlyMap<string, number>
}): StressReport => {
  const { analyses, atOnce, seconds, latencies, errors } = found
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted.length === 0 ? 0 : percentile(sorted, share))
  return {
    analyses,
    at_once: atOnce,
    seconds,
    analyses_per_second: latencies.length / seconds,
    latency_ms: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? 0 },
    errors: Object.fromEntries(errors)
  }
}

/** The stress test for people. */
export const stressText = ({
  analyses,
  at_once,
  seconds,
  analyses_per_second,
  latency_ms,
  errors
}: StressReport): string => {
  const failed = Object.entries(errors).map(([name, count]) => `${count} ${name}`)
  const { p50, p95, p99, max } = latency_ms
  return (
    `${analyses} analyses, ${at_once} at once, in ${seconds.toFixed(1)} s: ${analyses_per_second.toFixed(0)} a second. ` +
    `Latency p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${max.toFixed(0)} ms. ` +
    `Errors: ${failed.length === 0 ? "none" : failed.join(", ")}.`
  )
}
