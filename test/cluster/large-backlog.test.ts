import { assert, describe, it } from "@effect/vitest"
import { headers } from "@nats-io/transport-node"
import { Clock, Effect, Layer, Schedule, Schema } from "effect"
import { ActorLog, shardOf } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { Pulls } from "../../runtime/nats/pulls.ts"
import { natsServer } from "../support/nats.ts"
import { natsProxy } from "../support/nats-proxy.ts"

const SHARDS = 8
const COUNT = 100
const LARGE = "x".repeat(300_000)
/** What a reader that reads no further may have on its way, in bytes. */
const ON_THE_WAY_MAX = 9_000_000

const openLog = (url: string) =>
  Layer.build(Layer.fresh(layerNats({ url, namespace: "heavy", name: "test", shards: SHARDS }))).pipe(
    Effect.flatMap((services) => ActorLog.pipe(Effect.provide(services)))
  )

const owner = { type: "thing", id: "a" }

describe("a backlog of large messages", () => {
  it.live(
    "comes as fast as it is worked off: no more is on its way than a connection bears",
    () =>
      Effect.gen(function* () {
        const { url, port } = yield* natsServer()
        const writer = yield* openLog(url)
        yield* Effect.forEach(
          Array.from({ length: COUNT }, (_, index) => index),
          (index) => writer.append([{ kind: "mail", to: owner, payload: `${index} ${LARGE}` }]),
          { concurrency: 10 }
        )
        const way = yield* natsProxy(port)
        let came = 0
        way.swallow(({ payload }) => {
          came += payload.length
          return false
        })
        const reader = yield* openLog(way.url)
        let goesOn: () => void = () => undefined
        const release = Effect.callback<void>((resume) => {
          goesOn = () => resume(Effect.void)
        })
        const seen: Array<number> = []
        yield* reader.tail(new Map([[shardOf(owner, SHARDS), 0]]), ({ sequence }) => {
          seen.push(sequence)
          return seen.length === 1 ? release : undefined
        })
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(seen.length, 1)
        assert.isAbove(came, LARGE.length)
        assert.isBelow(came, ON_THE_WAY_MAX)
        goesOn()
        yield* Effect.sync(() => seen.length).pipe(
          Effect.repeat({ until: (count) => count === COUNT, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("15 seconds")
        )
        assert.deepStrictEqual(
          seen,
          seen.toSorted((one, other) => one - other)
        )
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    40_000
  )
})

/** What is asked for, as the server hears it. */
const asking = (maxPayload: number) => {
  const asked: Array<{ readonly batch: number; readonly max_bytes?: number }> = []
  const pulls = new Pulls(
    {
      info: { ...INFO, max_payload: maxPayload },
      publish: (_, payload) => void asked.push(decodePull(String(payload)))
    },
    "next",
    "inbox"
  )
  return { pulls, asked }
}

const INFO = {
  auth_required: false,
  client_id: 1,
  go: "",
  host: "",
  max_payload: 0,
  port: 0,
  proto: 1,
  server_id: "",
  server_name: "",
  version: ""
}

const decodePull = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ batch: Schema.Int, max_bytes: Schema.optionalKey(Schema.Int) }))
)

const status = (code: number, description: string, pending: number) => {
  const all = headers(code, description)
  all.set("Nats-Pending-Messages", String(pending))
  return { headers: all }
}

describe("what is asked of a consumer", () => {
  it("is bounded in messages and bytes, and asked for again as it comes or is said not to come", () => {
    const { pulls, asked } = asking(1_048_576)
    pulls.fill()
    const whole = { batch: 1_024, max_bytes: 4_194_301 }
    assert.deepStrictEqual(asked, [whole, whole])
    for (let count = 0; count < 1_023; count++) pulls.served()
    pulls.fill()
    assert.strictEqual(asked.length, 2)
    pulls.served()
    pulls.fill()
    assert.strictEqual(asked.length, 3)
    assert.isTrue(pulls.ended(status(409, "Message Size Exceeds MaxBytes", 1_000)))
    assert.isTrue(pulls.ended(status(408, "Request Timeout", 24)))
    pulls.fill()
    assert.strictEqual(asked.length, 4)
    assert.isFalse(pulls.ended(status(409, "Consumer Deleted", 0)))
  })

  it("is never less than the largest message", () => {
    const { pulls, asked } = asking(8_388_608)
    pulls.fill()
    assert.isAbove(asked[0]?.max_bytes ?? 0, 8_388_608)
  })

  it("is one message of any size, where one is larger than what may be asked for", () => {
    const { pulls, asked } = asking(1_048_576)
    for (let round = 0; round < 2; round++) {
      pulls.fill()
      for (let pull = 0; pull < 2; pull++) pulls.ended(status(409, "Message Size Exceeds MaxBytes", 1_024))
    }
    pulls.fill()
    assert.deepStrictEqual(asked.at(-1), { batch: 1 })
    assert.strictEqual(asked.length, 5)
    pulls.served()
    pulls.fill()
    assert.strictEqual(asked.at(-1)?.batch, 1_024)
  })
})
