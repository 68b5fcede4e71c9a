import { Effect } from "effect"
import { bareLoad } from "./bare-load.ts"
import type { NodeProcessOptions } from "./node-options.ts"
import { type NodeProcess, startNode } from "./node-process.ts"
import type { Part } from "./part.ts"
import { kibibytes, mebibytes, mustBe, printTable, ratio } from "./report.ts"
import { measured, openSystem, range, type System, tellAll, verifyCounts } from "./system.ts"

const COUNTS = [10_000, 50_000] as const
const LOADED = 10_000
const TELLS = 20_000
const LOADS = 4
const AIM_BYTES = 200 * 2 ** 20
const COLLECTS = ["--expose-gc"]

/** What actors take in memory, and what a process with many of them takes under load. */
export const memory: Part = {
  name: "memory",
  once: true,
  run: ({ url }) =>
    Effect.gen(function* () {
      const resident = yield* Effect.scoped(measureHeap(url, { memoryBytesMax: 2 ** 31, passivateMillis: 3_600_000 }))
      const passivated = yield* Effect.scoped(measureHeap(url, { passivateMillis: 500 }))
      const each = (all: typeof resident) => all.perActor.map(kibibytes)
      const { rss, empty, bare } = yield* Effect.scoped(measureLoad(url))
      yield* printTable(
        "Memory: heap of a counter after the garbage was collected, beyond that of the empty node",
        ["", ...COUNTS.map((count) => `${count.toLocaleString("en-US")} actors`)],
        [
          ["resident, each", ...each(resident)],
          ["passivated, each", ...each(passivated)]
        ]
      )
      yield* printTable(
        `Memory of a node process (RSS) that ${(LOADS * TELLS).toLocaleString("en-US")} tells to 10,000 actors keep busy, at most; empty is when it has started.\n` +
          "Bare: the process of the bare loop under the same load; ratio is bare to ours",
        ["", "at most", "empty", "bare", "ratio"],
        [["10,000 actors", mebibytes(rss), mebibytes(empty), mebibytes(bare), ratio(bare, rss)]]
      )
      return [{ says: "worker under 200 MiB, 10,000 actors", value: mebibytes(rss), met: rss < AIM_BYTES }]
    })
}

const start = ({ namespace }: System, url: string, more: Partial<NodeProcessOptions>) =>
  startNode({ url, namespace, name: "node0", ...more }, COLLECTS)

/** The heap for each of so many actors, once all of them are in memory, or none is. */
const measureHeap = (url: string, more: Pick<NodeProcessOptions, "passivateMillis" | "memoryBytesMax">) =>
  Effect.gen(function* () {
    const system = yield* openSystem({ url, nodes: 0 })
    const node = yield* start(system, url, more)
    yield* system.settled(["node0"])
    const empty = yield* node.memory
    const stays = more.memoryBytesMax !== undefined
    const perActor = yield* Effect.forEach(COUNTS, (count) =>
      Effect.gen(function* () {
        yield* tellAll(system.actors, count, count)
        if (!stays) yield* allPassivated(node)
        // Timers and buffers of what has just ended.
        yield* Effect.sleep("1 second")
        const { heap, residents } = yield* node.memory
        yield* mustBe("actors in memory", residents, stays ? count : 0)
        return (heap - empty.heap) / count
      })
    )
    return { perActor }
  })

const allPassivated = (node: NodeProcess) =>
  Effect.repeat(Effect.delay(node.memory, "300 millis"), { until: ({ residents }) => residents === 0 })

const measureLoad = (url: string) =>
  Effect.gen(function* () {
    const system = yield* openSystem({ url, nodes: 0 })
    const node = yield* startNode({ url, namespace: system.namespace, name: "node0" })
    yield* system.settled(["node0"])
    const empty = (yield* node.memory).rss
    let most = 0
    const watch = Effect.forever(
      Effect.delay(
        Effect.map(node.memory, ({ rss }) => {
          most = Math.max(most, rss)
        }),
        "50 millis"
      )
    )
    const load = Effect.forEach(range(LOADS), () => tellAll(system.actors, LOADED, TELLS))
    yield* Effect.raceFirst(load, watch)
    yield* verifyCounts(system.actors, LOADED, LOADS * TELLS)
    const bare = yield* bareLoad(url, 1)
    yield* Effect.forEach(range(LOADS), () => measured(bare.tellAll(LOADED, TELLS)))
    yield* mustBe("bare messages recorded", bare.recorded(), LOADS * TELLS)
    return { rss: most, empty, bare: bare.rssMax() }
  })
