import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Asks } from "../../runtime/asks.ts"
import { ActorLog, type Entry, LogUnavailable } from "../../runtime/index.ts"
import { Outbox } from "../../runtime/outbox.ts"
import { Pressures } from "../../runtime/pressure.ts"

const Protocol = {
  type: "silent",
  messages: { Ask: { payload: Schema.Struct({}), reply: Schema.Null } }
} as const

/** A log that stores everything and answers nothing. */
const storing = (stored: Array<Entry>) =>
  Layer.mock(ActorLog, {
    limits: { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 },
    shards: 1,
    status: { life: "only", lastSequence: 0, rewinds: 0, fault: undefined, confirmedAt: undefined },
    inbox: "nobody",
    newId: () => "id",
    answer: () => {},
    broadcast: () => {},
    append: (group: ReadonlyArray<Entry>) => Effect.sync(() => stored.push(...group))
  })

const Sent = Schema.fromJsonString(
  Schema.Struct({ again: Schema.optionalKey(Schema.Boolean), age: Schema.optionalKey(Schema.Int) })
)
const decodeSent = Schema.decodeUnknownSync(Sent)

/** A log that does not answer until a time, and stores what it is given afterwards. */
const awayUntil = (millis: number, stored: Array<Entry>) =>
  Layer.mock(ActorLog, {
    limits: { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 },
    shards: 1,
    status: { life: "only", lastSequence: 0, rewinds: 0, fault: undefined, confirmedAt: undefined },
    inbox: "nobody",
    newId: () => "id",
    answer: () => {},
    broadcast: () => {},
    append: (group: ReadonlyArray<Entry>) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        now < millis ? Effect.fail(new LogUnavailable({ detail: "timeout" })) : Effect.sync(() => stored.push(...group))
      )
  })

const answer = (id: string) => JSON.stringify({ id, from: "silent/a", outcome: "ok", body: null })

describe("an ask while the log does not answer", () => {
  it.effect("waits as long as its own timeout says, and says how old it is when it is stored at last", () =>
    Effect.gen(function* () {
      const stored: Array<Entry> = []
      const log = yield* ActorLog.pipe(Effect.provide(awayUntil(60_000, stored)))
      const outbox = new Outbox(log)
      yield* Effect.forkChild(outbox.run)
      const asks = new Asks(log, outbox, new Pressures(() => 0))
      const asking = yield* Effect.forkChild(asks.ask(Protocol, "a", "Ask", {}, { timeout: "90 seconds" }, undefined))
      yield* TestClock.adjust("62 seconds")
      assert.isUndefined(asking.pollUnsafe(), "it goes on asking")
      assert.strictEqual(stored.length, 1)
      const [first] = stored
      const sent = decodeSent(first !== undefined && "payload" in first ? first.payload : "")
      assert.isUndefined(sent.again, "nobody knows whether it was stored before")
      assert.isAtLeast(sent.age ?? 0, 20_000)
      asks.take(answer("id"))
      assert.isNull(yield* Fiber.join(asking))
    })
  )

  it.effect("and never again ends with its timeout", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog.pipe(Effect.provide(awayUntil(Number.POSITIVE_INFINITY, [])))
      const outbox = new Outbox(log)
      yield* Effect.forkChild(outbox.run)
      const asks = new Asks(log, outbox, new Pressures(() => 0))
      const asking = yield* Effect.forkChild(
        Effect.flip(asks.ask(Protocol, "a", "Ask", {}, { timeout: "90 seconds" }, undefined))
      )
      yield* TestClock.adjust("89 seconds")
      assert.isUndefined(asking.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(asking))._tag, "AskTimeout")
    })
  )
})

describe("an ask that is not answered", () => {
  it.effect("is sent again ever more rarely: what piles up must not keep those busy who are to answer it", () =>
    Effect.gen(function* () {
      const stored: Array<Entry> = []
      const log = yield* ActorLog.pipe(Effect.provide(storing(stored)))
      const outbox = new Outbox(log)
      yield* Effect.forkChild(outbox.run)
      const asks = new Asks(log, outbox, new Pressures(() => 0))
      const asking = yield* Effect.forkChild(
        Effect.flip(asks.ask(Protocol, "a", "Ask", {}, { timeout: "3 minutes" }, undefined))
      )
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual((yield* Fiber.join(asking))._tag, "AskTimeout")
      const ages = stored.flatMap((entry) => ("payload" in entry ? [decodeSent(entry.payload).age ?? 0] : []))
      assert.deepStrictEqual(
        ages.map((age) => age / 1_000),
        [0, 4, 8, 16, 32, 64, 96, 128, 160]
      )
    })
  )
})
