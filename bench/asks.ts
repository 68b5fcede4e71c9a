import { Effect } from "effect"
import { CounterProtocol } from "../test/support/counter.ts"
import { type BareLoad, bareLoad } from "./bare-load.ts"
import type { Part } from "./part.ts"
import {
  actorsOf,
  median,
  millis,
  mustBe,
  pairedRatio,
  percentile,
  printTable,
  ROUNDS,
  type Row,
  ratio
} from "./report.ts"
import { measured, openSystem, range, type System, tellAll, verifyCounts } from "./system.ts"

const KEYS = [1, 100, 10_000] as const
const ASKS = 300
const AIM_MILLIS = 1.5

/** Latency of asks that are recorded, one after the other, by number of actors. */
export const asks: Part = {
  name: "asks",
  run: ({ url, fsync }) =>
    Effect.gen(function* () {
      const here = yield* Effect.scoped(measure(url, "here"))
      const apart = yield* Effect.scoped(measure(url, 2))
      const rows = (name: string, all: typeof here) =>
        all.map(({ keys, cells }): Row => [`${name}, ${actorsOf(keys)}`, ...cells])
      yield* printTable(
        `Asks: ${ASKS * ROUNDS} one after the other, each recorded. Bare: a message, one guarded record, an answer; ratio is bare to ours`,
        ["", "p50", "bare", "ratio", "p99", "bare", "ratio"],
        [...rows("one node, here", here), ...rows("two nodes, processes", apart)]
      )
      const slowest = Math.max(...here.map(({ p50 }) => p50))
      return fsync
        ? [{ says: `ask p50 ${AIM_MILLIS} ms, one node`, value: millis(slowest), met: slowest <= AIM_MILLIS }]
        : []
    })
}

const measure = (url: string, nodes: "here" | 2) =>
  Effect.gen(function* () {
    const system = yield* openSystem({ url, nodes })
    const bare = yield* bareLoad(url, nodes)
    const most = Math.max(...KEYS)
    yield* tellAll(system.actors, most, most)
    yield* bare.tellAll(most, most)
    const asked = yield* Effect.forEach(KEYS, (keys) => measureKeys(system, bare, keys))
    yield* verifyCounts(system.actors, most, most + KEYS.length * (ROUNDS + 1) * ASKS)
    yield* mustBe("bare messages recorded", bare.recorded(), most + KEYS.length * (ROUNDS + 1) * ASKS)
    return asked
  })

const measureKeys = ({ actors }: System, bare: BareLoad, keys: number) =>
  Effect.gen(function* () {
    // Far apart, so that each is of another shard.
    const key = (index: number) => `k${(index * 7_919) % keys}`
    const ask = (index: number) => measured(actors.ask(CounterProtocol, key(index), "Add", { n: 1 }))
    const ours = Effect.forEach(range(ASKS), ask)
    const theirs = bare.asks({ kind: "add", count: ASKS, atOnce: 1, key })
    yield* Effect.andThen(ours, theirs) // what runs often is compiled
    const rounds: Array<{ readonly mine: ReadonlyArray<number>; readonly other: ReadonlyArray<number> }> = []
    for (let round = 0; round < ROUNDS; round++) rounds.push({ mine: yield* ours, other: yield* theirs })
    const mine = rounds.flatMap((round) => round.mine)
    const other = rounds.flatMap((round) => round.other)
    const medians = (of: "mine" | "other") => rounds.map((round) => median(round[of]))
    return {
      keys,
      p50: median(mine),
      cells: [
        millis(median(mine)),
        millis(median(other)),
        pairedRatio(medians("other"), medians("mine")).toFixed(2),
        millis(percentile(mine, 0.99)),
        millis(percentile(other, 0.99)),
        ratio(percentile(other, 0.99), percentile(mine, 0.99))
      ]
    }
  })
