import { Context, Effect, Layer, References } from "effect"
import { allActors, quantPolicy } from "../actors/index.ts"
import { CoordinatorProtocol } from "../protocols/index.ts"
import { Actors, layerNode } from "../runtime/index.ts"
import { layerNats } from "../runtime/nats/index.ts"
import { CONSENSUS_STEPS, decideConsensus, SIZES } from "./bare-consensus.ts"
import { bareLoad } from "./bare-load.ts"
import { windowOf } from "./bars.ts"
import type { Part } from "./part.ts"
import {
  type Aim,
  median,
  millis,
  mustBe,
  pairedRatio,
  percentile,
  perSecond,
  printTable,
  ROUNDS,
  rate,
  ratio
} from "./report.ts"
import { measured, range, sum } from "./system.ts"

const SYMBOLS = 64
const ALONE = 60
const TOGETHER = 640
const AIM_MILLIS = 4
const AIM_RATE = 1_500

/** Whole analyses by the actors of the house: a client asks a coordinator, three agents vote by quant rules, a round decides. */
export const consensus: Part = {
  name: "consensus",
  run: ({ url, fsync }) => Effect.scoped(measure(url, fsync))
}

const measure = (url: string, fsync: boolean) =>
  Effect.gen(function* () {
    const nats = layerNats({ url, namespace: `consensus${process.pid}x${fsync ? 1 : 0}`, name: "bench" })
    const node = layerNode({ name: "here", actors: allActors({ policy: quantPolicy }) })
    const actors = Context.get(yield* Layer.build(Layer.provideMerge(node, nats)), Actors)
    const bare = yield* bareLoad(url, "here", decideConsensus)
    const key = (index: number) => `S${index % SYMBOLS}`
    const bars = windowOf(128)
    let asked = 0
    const analyze = (index: number) =>
      actors.ask(CoordinatorProtocol, key(index), "Analyze", { correlation_id: `b${asked++}`, bars }, ASK)
    const ours = (count: number, atOnce: number) =>
      Effect.forEach(range(count), (index) => measured(analyze(index)), { concurrency: atOnce })
    const padding = SIZES.analyze.mail
    const theirs = (count: number, atOnce: number) => bare.asks({ kind: "analyze", count, atOnce, key, padding })
    yield* Effect.andThen(ours(2 * SYMBOLS, SYMBOLS), theirs(2 * SYMBOLS, SYMBOLS)) // activated, and compiled
    const alone = yield* inTurn(ours(ALONE, 1), theirs(ALONE, 1))
    const together = yield* inTurn(ours(TOGETHER, SYMBOLS), theirs(TOGETHER, SYMBOLS))
    const done = 2 * SYMBOLS + ROUNDS * (ALONE + TOGETHER)
    const each = yield* Effect.forEach(range(SYMBOLS), (index) =>
      actors.ask(CoordinatorProtocol, key(index), "GetStatus", {})
    )
    yield* mustBe("analyses decided", sum(each.map(({ decisions }) => decisions)), done)
    yield* mustBe("bare messages recorded", bare.recorded(), done * CONSENSUS_STEPS)
    yield* print(alone, together)
    return fsync ? aimsOf(alone, together) : []
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))

const ASK = { timeout: "60 seconds" } as const

/** Latencies in milliseconds, and how long all of a turn took. */
interface Turn {
  readonly each: ReadonlyArray<number>
  readonly took: number
}
type Turns = ReadonlyArray<readonly [ours: Turn, bare: Turn]>

const inTurn = <E, F>(
  ours: Effect.Effect<ReadonlyArray<number>, E>,
  theirs: Effect.Effect<ReadonlyArray<number>, F>
): Effect.Effect<Turns, E | F> => Effect.forEach(range(ROUNDS), () => Effect.all([timed(ours), timed(theirs)]))

const timed = <E>(turn: Effect.Effect<ReadonlyArray<number>, E>): Effect.Effect<Turn, E> =>
  Effect.gen(function* () {
    let each: ReadonlyArray<number> = []
    const took = yield* measured(Effect.tap(turn, (all) => Effect.sync(() => (each = all))))
    return { each, took }
  })

const latency = (turns: Turns, side: 0 | 1, share: number) =>
  percentile(
    turns.flatMap((turn) => turn[side].each),
    share
  )

const rates = (turns: Turns, side: 0 | 1) => turns.map((turn) => perSecond(TOGETHER, turn[side].took))

const print = (alone: Turns, together: Turns) => {
  const row = (label: string, turns: Turns, share: number) => {
    const [ours, theirs] = [latency(turns, 0, share), latency(turns, 1, share)]
    return [label, millis(ours), millis(theirs), ratio(theirs, ours)] as const
  }
  const [ours, theirs] = [rates(together, 0), rates(together, 1)]
  return printTable(
    `Consensus: analyses of 128 bars, three agents with quant votes, a round each: ${CONSENSUS_STEPS} steps. Bare: the same messages, records and events in atomic groups`,
    ["", "ours", "bare", "ratio"],
    [
      row("one at a time, p50", alone, 0.5),
      row("one at a time, p99", alone, 0.99),
      row(`${SYMBOLS} in flight, p50`, together, 0.5),
      row(`${SYMBOLS} in flight, p99`, together, 0.99),
      [`${SYMBOLS} in flight`, rate(median(ours)), rate(median(theirs)), pairedRatio(ours, theirs).toFixed(2)]
    ]
  )
}

const aimsOf = (alone: Turns, together: Turns): ReadonlyArray<Aim> => {
  const [p50, perSec] = [latency(alone, 0, 0.5), median(rates(together, 0))]
  return [
    { says: `round p50 ${AIM_MILLIS} ms unloaded`, value: millis(p50), met: p50 <= AIM_MILLIS },
    { says: `${AIM_RATE} rounds/s at ${SYMBOLS} in flight`, value: rate(perSec), met: perSec >= AIM_RATE }
  ]
}
