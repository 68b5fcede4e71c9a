import { Effect } from "effect"
import { type BareLoad, bareLoad } from "./bare-load.ts"
import type { Part } from "./part.ts"
import { actorsOf, median, mustBe, pairedRatio, perSecond, printTable, ROUNDS, type Row, rate } from "./report.ts"
import { measured, openSystem, type System, tellAll, verifyCounts } from "./system.ts"

const KEYS = [1, 100, 10_000] as const
const TELLS = 20_000
const AIM = 20_000

/** Throughput of tells by number of actors, until their effects are stored. */
export const tells: Part = {
  name: "tells",
  run: ({ url, fsync }) =>
    Effect.gen(function* () {
      const here = yield* Effect.scoped(measure(url, "here"))
      const apart = yield* Effect.scoped(measure(url, 2))
      yield* printTable(
        `Tells: ${TELLS.toLocaleString("en-US")} in a round, until all are recorded. Bare: grouped messages to one consumer here, or two in processes of their own`,
        ["", "first touch", "bare", "ratio", "again", "bare", "ratio"],
        [
          ...here.map(({ cells, keys }): Row => [`one node, here, ${actorsOf(keys)}`, ...cells]),
          ...apart.map(({ cells, keys }): Row => [`two nodes, processes, ${actorsOf(keys)}`, ...cells])
        ]
      )
      if (!fsync) return []
      return here
        .filter(({ keys }) => keys !== 100)
        .map(({ keys, speed }) => ({
          says: `${AIM} durable steps/s ${keys === 1 ? "on one hot key" : "over 10,000 keys"}`,
          value: rate(speed),
          met: speed >= AIM
        }))
    })
}

const measure = (url: string, nodes: "here" | 2) =>
  Effect.gen(function* () {
    const system = yield* openSystem({ url, nodes })
    const bare = yield* bareLoad(url, nodes)
    return yield* Effect.forEach(KEYS, (keys) => measureKeys(system, bare, keys))
  })

const measureKeys = ({ actors }: System, bare: BareLoad, keys: number) =>
  Effect.gen(function* () {
    const before = yield* Effect.sync(() => bare.recorded())
    // The counters are shared with what was measured before, whose keys are a part of these.
    const first = perSecond(keys, yield* measured(tellAll(actors, keys, keys)))
    const bareFirst = perSecond(keys, yield* measured(bare.tellAll(keys, keys)))
    const ours: Array<number> = []
    const theirs: Array<number> = []
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(perSecond(TELLS, yield* measured(tellAll(actors, keys, TELLS))))
      theirs.push(perSecond(TELLS, yield* measured(bare.tellAll(keys, TELLS))))
    }
    yield* verifyCounts(actors, keys, toldUpTo(keys))
    yield* mustBe("bare messages recorded", bare.recorded() - before, keys + ROUNDS * TELLS)
    const speed = median(ours)
    const touch = keys < 10_000 ? ["", "", ""] : [rate(first), rate(bareFirst), (first / bareFirst).toFixed(2)]
    return { keys, speed, cells: [...touch, rate(speed), rate(median(theirs)), pairedRatio(ours, theirs).toFixed(2)] }
  })

/** What all counters were told once those with so many keys are done. */
const toldUpTo = (keys: number): number =>
  KEYS.filter((each) => each <= keys).reduce((told, each) => told + each + ROUNDS * TELLS, 0)
