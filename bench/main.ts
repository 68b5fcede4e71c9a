// `npm run bench`: what durability costs here, beside what it costs bare on the same server in the same run.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { natsServer } from "../test/support/nats.ts"
import { bareAsks, bareTells, closeBare, openBare } from "./bare.ts"
import { measured, withActors } from "./measured.ts"

const KEYS = 10_000
const TELLS = 40_000
const ASKS = 1_000
const ROUNDS = 3

const SYNC = [
  { interval: "always", says: "sync_interval: always (every confirmed write is on the disk)" },
  { interval: "2m", says: "sync_interval: 2m (the server's default: the disk follows later)" }
] as const

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

/** Runs the bare loop on a stream of its own. */
const bare = <A>(url: string, work: (opened: Awaited<ReturnType<typeof openBare>>) => Promise<A>) =>
  Effect.acquireUseRelease(
    Effect.promise(() => openBare(url)),
    (opened) => Effect.promise(() => work(opened)),
    (opened) => Effect.promise(() => closeBare(opened))
  )

const perSecond = (count: number, millis: number) => Math.round(count / (millis / 1_000))

const whole = (value: number) => value.toLocaleString("en-US").padStart(8)
const millis = (value: number) => `${value.toFixed(2)} ms`.padStart(8)
const ratio = (ours: number, other: number) => `ratio ${(ours / other).toFixed(2)}`

const throughput = (url: string) =>
  Effect.gen(function* () {
    const ours: Array<number> = []
    const theirs: Array<number> = []
    yield* withActors(url, (actors) =>
      Effect.gen(function* () {
        const first = yield* measured(actors.tellAll(KEYS, KEYS))
        yield* Console.log(`  first touch of ${KEYS} actors   ${whole(perSecond(KEYS, first))} tells/s`)
        // In turn, so that what the machine does meanwhile falls on both.
        for (let round = 0; round < ROUNDS; round++) {
          ours.push(perSecond(TELLS, yield* measured(actors.tellAll(KEYS, TELLS))))
          theirs.push(perSecond(TELLS, yield* bare(url, (opened) => timed(() => bareTells(opened, KEYS, TELLS)))))
        }
        yield* actors.verify(KEYS, KEYS + ROUNDS * TELLS)
      })
    )
    yield* Console.log(
      `  tells to ${KEYS} actors         ${whole(median(ours))} tells/s    bare ${whole(median(theirs))}    ${ratio(median(ours), median(theirs))}`
    )
  })

const latency = (url: string) =>
  Effect.gen(function* () {
    const ours = yield* withActors(url, (actors) => actors.askEach(ASKS))
    const theirs = yield* bare(url, (opened) => bareAsks(opened, ASKS))
    for (const [name, share] of [
      ["p50", 0.5],
      ["p99", 0.99]
    ] as const) {
      const [mine, other] = [percentile(ours, share), percentile(theirs, share)]
      yield* Console.log(
        `  ask ${name}                      ${millis(mine)}            bare ${millis(other)}    ${ratio(mine, other)}`
      )
    }
  })

const timed = async (work: () => Promise<void>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const main = Effect.forEach(
  SYNC,
  ({ interval, says }) =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* natsServer({ syncInterval: interval })
        yield* Console.log(`\n${says}`)
        yield* throughput(url)
        yield* latency(url)
      })
    ),
  { discard: true }
)

NodeRuntime.runMain(
  Console.log(
    `One node, client and actors in one process, medians of ${ROUNDS} rounds of ${TELLS} tells taken in turn.\n` +
      "Bare: a loop that consumes a message and publishes one guarded record, in atomic groups, with nothing else."
  ).pipe(Effect.andThen(main))
)
