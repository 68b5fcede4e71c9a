// An activity whose node is killed: the next owner of its actor starts it again, although nobody sends the actor anything.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule, Schema, type Scope } from "effect"
import { ActorLog, Actors } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { ErrandProtocol, said } from "../support/errand.ts"
import { natsServer } from "../support/nats.ts"
import { startNode } from "../support/node-process.ts"

const Event = Schema.fromJsonString(Schema.Struct({ type: Schema.String, data: said.data }))
const decodeEvent = Schema.decodeUnknownSync(Event)

const killed = (url: string, namespace: string): Effect.Effect<void, unknown, Actors | ActorLog | Scope.Scope> =>
  Effect.gen(function* () {
    const all = yield* Actors
    const heard: Array<{ readonly by: number; readonly what: string }> = []
    yield* ActorLog.use((log) => log.watch("errand.*", ({ payload }) => heard.push(decodeEvent(payload).data)))
    const times = (what: string) => heard.filter((each) => each.what === what)
    const becomes = (what: string, count: number) =>
      Effect.sync(() => times(what).length).pipe(
        Effect.repeat({ until: (seen) => seen >= count, schedule: Schedule.spaced("20 millis") }),
        Effect.timeout("12 seconds")
      )
    const nodes = yield* Effect.forEach(["one", "two"], (name) => startNode(url, namespace, name, "errand"))
    yield* all.ask(ErrandProtocol, "a", "Run", { key: "k", millis: 3_000, characters: 5 })
    yield* becomes("started", 1)
    // By now everybody knows that the message which began it is done.
    yield* Effect.sleep("1500 millis")
    yield* nodes.find(({ pid }) => pid === heard[0]?.by)!.kill
    yield* becomes("started", 2)
    const [first, second] = times("started")
    assert.notStrictEqual(first?.by, second?.by)
    yield* becomes("taken", 1)
    yield* Effect.sleep("300 millis")
    assert.strictEqual(times("taken").length, 1)
    assert.deepStrictEqual(yield* all.ask(ErrandProtocol, "a", "Read", {}), ["k 5"])
  })

describe("an activity whose node is killed", () => {
  it.live(
    "is started again by the next owner without a message, and its outcome taken once",
    () =>
      Effect.gen(function* () {
        const { url } = yield* natsServer()
        const client = yield* Layer.build(layerNats({ url, namespace: "errands", name: "client", ttlSeconds: 1 }))
        yield* Effect.provide(killed(url, "errands"), client)
      }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    40_000
  )
})
