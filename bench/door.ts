import { Effect, Layer } from "effect"
import { Actors } from "../runtime/index.ts"
import { layerNatsOutside } from "../runtime/nats/index.ts"
import { CounterProtocol } from "../test/support/counter.ts"
import type { Part } from "./part.ts"
import { median, millis, pairedRatio, percentile, printTable, ROUNDS, type Row } from "./report.ts"
import { measured, openSystem, range } from "./system.ts"

const KEYS = 100
const ASKS = 300
const TELLS = 5_000
const AT_ONCE = 1_000

/** What it costs to send by way of a node, as who may not touch the stream does, beside storing by oneself. */
export const door: Part = {
  name: "door",
  run: ({ url }) =>
    Effect.gen(function* () {
      const { actors, namespace } = yield* openSystem({ url, nodes: 1 })
      const outside = yield* Actors.pipe(
        Effect.provide(yield* Layer.build(layerNatsOutside({ url, namespace, name: "bench outside" })))
      )
      const asked = yield* inTurn(actors, outside, asks)
      const told = yield* inTurn(actors, outside, (by) => Effect.map(measured(tells(by)), (all) => [all]))
      yield* printTable(
        `By the door: ${ASKS * ROUNDS} asks one after the other, and ${TELLS * ROUNDS} tells, ${AT_ONCE} at once; ratio is inside to outside`,
        ["", "outside", "inside", "ratio"],
        [rowOf("ask, p50", asked), rowOf("ask, p99", asked, 0.99), rowOf(`${TELLS} tells`, told)]
      )
      return []
    }).pipe(Effect.scoped)
}

interface Round {
  readonly outside: ReadonlyArray<number>
  readonly inside: ReadonlyArray<number>
}

const inTurn = <E>(
  inside: Actors["Service"],
  outside: Actors["Service"],
  measure: (by: Actors["Service"]) => Effect.Effect<ReadonlyArray<number>, E>
): Effect.Effect<ReadonlyArray<Round>, E> =>
  Effect.gen(function* () {
    yield* Effect.andThen(measure(outside), measure(inside)) // what runs often is compiled
    const rounds: Array<Round> = []
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({ outside: yield* measure(outside), inside: yield* measure(inside) })
    }
    return rounds
  })

const asks = (by: Actors["Service"]) =>
  Effect.forEach(range(ASKS), (index) => measured(by.ask(CounterProtocol, `k${index % KEYS}`, "Add", { n: 1 })))

const tells = (by: Actors["Service"]) =>
  Effect.forEach(range(TELLS), (index) => by.tell(CounterProtocol, `k${index % KEYS}`, "Add", { n: 1 }), {
    concurrency: AT_ONCE,
    discard: true
  })

const rowOf = (name: string, rounds: ReadonlyArray<Round>, share = 0.5): Row => {
  const of = (way: keyof Round) => rounds.map((round) => percentile(round[way], share))
  const [outside, inside] = [of("outside"), of("inside")]
  return [name, millis(median(outside)), millis(median(inside)), pairedRatio(inside, outside).toFixed(2)]
}
