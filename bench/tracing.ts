import { Effect, Tracer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import type { Actors } from "../runtime/index.ts"
import { CounterProtocol } from "../test/support/counter.ts"
import type { Part } from "./part.ts"
import { median, millis, mustBe, pairedRatio, perSecond, printTable, ROUNDS, type Row, rate } from "./report.ts"
import { measured, openSystem, range, tellAll, verifyCounts } from "./system.ts"

const KEYS = 1_000
const TELLS = 10_000
const ASKS = 200
const SCRAPE_EVERY = "100 millis"

/** What is looked at while the work is done. */
interface Mode {
  readonly label: string
  readonly tells: Effect.Effect<void, unknown>
  readonly asks: Effect.Effect<ReadonlyArray<number>, unknown>
}

/** What it costs to be watched: metrics that are read, and a tracer with every message in a span. */
export const tracing: Part = {
  name: "tracing",
  once: true,
  run: ({ url }) => Effect.scoped(measure(url))
}

const measure = (url: string) =>
  Effect.gen(function* () {
    const { tracer, ended } = makeTracer()
    const withTracer = <A, E>(work: Effect.Effect<A, E>) => Effect.provideService(work, Tracer.Tracer, tracer)
    const plain = yield* openSystem({ url, nodes: "here" })
    const traced = yield* openSystem({ url, nodes: "here" }).pipe(Effect.provideService(Tracer.Tracer, tracer))
    const modes: ReadonlyArray<Mode> = [
      { label: "nobody looks", tells: tellAll(plain.actors, KEYS, TELLS), asks: askEach(plain.actors) },
      {
        label: `metrics read every ${SCRAPE_EVERY}`,
        tells: scraped(tellAll(plain.actors, KEYS, TELLS)),
        asks: scraped(askEach(plain.actors))
      },
      {
        label: "a tracer, no spans",
        tells: withTracer(tellAll(traced.actors, KEYS, TELLS)),
        asks: withTracer(askEach(traced.actors))
      },
      {
        label: "every message in a span",
        tells: withTracer(tellAll(spanned(traced.actors), KEYS, TELLS)),
        asks: withTracer(askEach(spanned(traced.actors)))
      }
    ]
    yield* Effect.forEach(modes, ({ tells, asks }) => Effect.andThen(tells, asks)) // activated, and compiled
    const before = ended()
    const taken = yield* Effect.forEach(range(ROUNDS), () =>
      Effect.forEach(modes, ({ tells, asks }) => Effect.all([measured(tells), asks]))
    )
    yield* verifyCounts(plain.actors, KEYS, 2 * (ROUNDS + 1) * (TELLS + ASKS))
    yield* verifyCounts(traced.actors, KEYS, 2 * (ROUNDS + 1) * (TELLS + ASKS))
    yield* mustBeSpans(ended() - before)
    const speeds = modes.map((_, mode) => taken.map((round) => perSecond(TELLS, round[mode]?.[0] ?? Number.NaN)))
    const p50s = modes.map((_, mode) => taken.map((round) => median(round[mode]?.[1] ?? [])))
    const [plainSpeeds = [], plainP50s = []] = [speeds[0], p50s[0]]
    yield* printTable(
      `Being watched: ${TELLS.toLocaleString("en-US")} tells to 1,000 actors and ${ASKS} asks, one node here; ratio is to nobody looking`,
      ["", "tells", "ratio", "ask p50", "ratio"],
      modes.map(({ label }, mode): Row => {
        const [speed = [], p50 = []] = [speeds[mode], p50s[mode]]
        return [
          label,
          rate(median(speed)),
          pairedRatio(speed, plainSpeeds).toFixed(2),
          millis(median(p50)),
          pairedRatio(plainP50s, p50).toFixed(2)
        ]
      })
    )
    return []
  })

/** A span of the caller and one of the node for each message. */
const mustBeSpans = (found: number) => mustBe("spans ended", found, ROUNDS * 2 * (TELLS + ASKS + LAST))

/** Of the asks by which the load ends. */
const LAST = 128

/** Counts spans, as an exporter would take them. */
const makeTracer = () => {
  let count = 0
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      const end = span.end.bind(span)
      span.end = (time, exit) => {
        count++
        end(time, exit)
      }
      return span
    }
  })
  return { tracer, ended: () => count }
}

const askEach = (actors: Actors["Service"]) =>
  Effect.forEach(range(ASKS), (index) =>
    measured(actors.ask(CounterProtocol, `k${(index * 7) % KEYS}`, "Add", { n: 1 }))
  )

/** The same, each call in a span of its own. */
const spanned = (actors: Actors["Service"]): Actors["Service"] => ({
  ...actors,
  tell: (...call) => Effect.withSpan(actors.tell(...call), "tell", CHEAP),
  ask: (...call) => Effect.withSpan(actors.ask(...call), "ask", CHEAP)
})

const scraped = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.raceFirst(work, Effect.forever(Effect.delay(PrometheusMetrics.format(), SCRAPE_EVERY)))

/** Where the caller's code is when it opens a span is the caller's affair, and costs more than the span. */
const CHEAP = { captureStackTrace: false } as const
