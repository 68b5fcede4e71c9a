import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { ActorLog } from "../../runtime/index.ts"
import { counting } from "../support/counting.ts"
import { manage } from "../support/manage.ts"
import { isStoreAck, type NatsProxy } from "../support/nats-proxy.ts"
import { world } from "../support/ways.ts"

/** Every so many of the answers that something was stored get lost, so many in all. Gives how many did. */
const loseAcks = (way: NatsProxy, stream: string, every: number, most: number) => {
  let seen = 0
  let lost = 0
  way.swallow((message) => {
    if (!isStoreAck(stream, message) || ++seen % every !== 0 || lost === most) return false
    lost++
    return true
  })
  return () => lost
}

describe("an answer that says that something was stored", () => {
  it.live(
    "gets lost on its way to the node and to the sender: everything has one effect, every ask its answer",
    () =>
      world("acks", ({ nodeWay, clientWay }) =>
        Effect.gen(function* () {
          const counters = counting(20)
          yield* counters.tell(100)
          const lost = [loseAcks(nodeWay, "ACKS", 5, 2), loseAcks(clientWay, "ACKS", 3, 2)]
          yield* Effect.all([counters.tell(400), counters.ask(60)], { concurrency: 2 })
          yield* counters.verify
          assert.deepStrictEqual(
            lost.map((count) => count()),
            [2, 2]
          )
        })
      ),
    90_000
  )

  it.live(
    "gets lost because the connection breaks at that moment: the same",
    () =>
      world("cuts", ({ nodeWay, clientWay }) =>
        Effect.gen(function* () {
          const counters = counting(20)
          let cuts = 0
          for (const way of [nodeWay, clientWay]) {
            let seen = 0
            way.swallow((message) => {
              if (!isStoreAck("CUTS", message) || ++seen % 10 !== 0 || cuts >= 6) return false
              cuts++
              setImmediate(way.cut)
              return true
            })
          }
          yield* Effect.all([counters.tell(1_000), counters.ask(100)], { concurrency: 2 })
          yield* counters.verify
          assert.strictEqual(cuts, 6)
        })
      ),
    90_000
  )
})

describe("a journal of which a part gets lost on its way", () => {
  const owner = { type: "thing", id: "a" }
  const record = (expected: number) =>
    ({ kind: "journal", owner, payload: String(expected), expected, snapshot: false, truncate: false }) as const

  it.live.each([
    ["a record", /Nats-Expected-Last-Subject-Sequence: 5\b/],
    ["the end", /204 EOB/]
  ] as const)("is not taken for the whole: %s", ([, missing]) =>
    world("parts", ({ clientWay }) =>
      Effect.gen(function* () {
        const log = yield* ActorLog
        for (let expected = 0; expected < 20; expected++) yield* log.append([record(expected)])
        clientWay.swallow(({ payload }) => missing.test(payload))
        const error = yield* Effect.flip(log.readJournal(owner))
        assert.strictEqual(error._tag, "LogUnavailable")
        clientWay.swallow(() => false)
        assert.strictEqual((yield* log.readJournal(owner)).length, 20)
      })
    )
  )
})

describe("a node that does not take what the server sends", () => {
  it.live(
    "is cut off by the server as too slow, comes back and misses nothing",
    () =>
      world("slow", ({ nodeWay }) =>
        Effect.gen(function* () {
          const log = yield* ActorLog
          const counters = counting(20)
          yield* counters.tell(200)
          nodeWay.hold(true)
          yield* counters.tell(500)
          // More than all buffers on the way hold: nobody understands it, and it is parked.
          const large = { kind: "mail", to: { type: "counter", id: "other" }, payload: "x".repeat(500_000) } as const
          yield* Effect.forEach(Array.from({ length: 60 }), () => log.append([large]))
          const before = nodeWay.connections()
          yield* Effect.sleep("13 seconds")
          nodeWay.hold(false)
          yield* counters.ask(20)
          yield* counters.verify
          assert.isAbove(nodeWay.connections(), before, "the server did cut it off")
        })
      ),
    90_000
  )
})

describe("a consumer", () => {
  it.live(
    "that an operator deletes under load is made again, and nothing is missed",
    () =>
      world("consumers", ({ url }) =>
        Effect.gen(function* () {
          const counters = counting(20)
          let deleted = 0
          const deleting = manage(url, async (manager) => {
            for await (const { name } of manager.consumers.list("CONSUMERS")) {
              if (await manager.consumers.delete("CONSUMERS", name)) deleted++
            }
          }).pipe(Effect.repeat(Schedule.spaced("250 millis")))
          const operator = yield* Effect.forkChild(deleting)
          for (let round = 0; round < 20; round++) {
            yield* counters.tell(100)
            yield* Effect.sleep("100 millis")
          }
          yield* counters.ask(50)
          yield* Fiber.interrupt(operator)
          yield* counters.verify
          assert.isAbove(deleted, 4)
        })
      ),
    60_000
  )
})
