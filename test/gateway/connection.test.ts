import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch } from "effect"
import { defaultLimits } from "../../gateway/policy.ts"
import { connect } from "../../gateway/socket/connection.ts"
import type { Subscriber } from "../../gateway/streams/catch-up.ts"
import { QueueMemory } from "../../gateway/streams/queue-memory.ts"

const event = { subject: "a", sequence: 1, opening: '{"type":"t","seq":1,"subject":"a","data":{}' }
/** What the place in a queue costs. */
const PLACE_BYTES = 160
const frame = `${event.opening},"sub":"s"}`

/** A connection over a socket that notes what is sent, and a fanout whose subscriptions take their time to end. */
const makeWorld = Effect.gen(function* () {
  const sent: Array<string> = []
  const closes: Array<readonly [code: number, reason: string]> = []
  const subscribers: Array<Subscriber> = []
  let pending = 0
  const ended = yield* Latch.make(false)
  const connection = connect({
    id: "c",
    address: "127.0.0.1",
    limits: defaultLimits,
    now: () => 0,
    authenticator: { required: false, verify: () => Effect.never },
    ask: () => Effect.never,
    queueMemory: new QueueMemory(defaultLimits.queueBytesMax),
    enter: () => undefined,
    offended: () => {},
    spend: () => true,
    run: Effect.runForkWith(yield* Effect.context()),
    fanout: {
      subscribe: (_pattern, _start, subscriber) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            subscribers.push(subscriber)
            subscriber.joined(0)
          }),
          () => ended.await
        ),
      batch: (act) => act(),
      status: () => ({ subscriptions: 0, watches: 0 })
    },
    socket: {
      send: (frame) => sent.push(String(frame)),
      pendingBytes: () => pending,
      close: (code, reason) => closes.push([code, reason])
    }
  })
  const say = (operation: unknown) => {
    const text = JSON.stringify(operation)
    connection.receive({ kind: "text", text, size: text.length })
  }
  say({ op: "subscribe", id: "s", pattern: "a" })
  assert.deepStrictEqual([sent.length, subscribers.length], [2, 1])
  const setPending = (bytes: number) => {
    pending = bytes
  }
  return { connection, sent, closes, subscriber: subscribers[0]!, say, setPending, end: ended.open }
})

describe("a connection", () => {
  it.effect("adds the subscription's id to each event", () =>
    Effect.gen(function* () {
      const { sent, subscriber } = yield* makeWorld
      subscriber.deliver([event])
      assert.strictEqual(sent.at(-1), frame)
    })
  )

  it.effect("sends no event after the result of unsubscribe, even while the subscription still ends", () =>
    Effect.gen(function* () {
      const { sent, subscriber, say, end } = yield* makeWorld
      say({ op: "unsubscribe", id: "s" })
      const before = sent.length
      assert.match(sent.at(-1) ?? "", /"result"/)
      subscriber.deliver([event])
      assert.strictEqual(sent.length, before)
      yield* end
    })
  )

  it.effect("touches the socket no more once it is closed", () =>
    Effect.gen(function* () {
      const { connection, sent, closes, subscriber, say, end } = yield* makeWorld
      connection.closed()
      const before = sent.length
      say({ op: "ping", id: "p" })
      subscriber.deliver([event])
      connection.close(1001, "late")
      assert.deepStrictEqual([sent.length, closes], [before, []])
      yield* end
    })
  )

  it.effect("lets events wait once the socket is full, and sends them when it drains", () =>
    Effect.gen(function* () {
      const { connection, sent, subscriber, setPending, end } = yield* makeWorld
      setPending(defaultLimits.socketBytesMax)
      subscriber.deliver([event])
      assert.strictEqual(sent.length, 2)
      assert.deepStrictEqual(connection.account(), { produced: 1, sent: 0, dropped: 0, conflated: 0, waiting: 1 })
      setPending(defaultLimits.socketBytesMax - 1)
      connection.drained()
      assert.strictEqual(sent.at(-1), frame)
      assert.deepStrictEqual(connection.account(), { produced: 1, sent: 1, dropped: 0, conflated: 0, waiting: 0 })
      yield* end
    })
  )

  it.effect("tells a client that does not read, once, and closes", () =>
    Effect.gen(function* () {
      const { connection, sent, closes, subscriber, setPending, end } = yield* makeWorld
      setPending(defaultLimits.pendingBytesMax - frame.length - PLACE_BYTES)
      subscriber.deliver([event])
      assert.deepStrictEqual(closes, [])
      subscriber.deliver([event, event])
      assert.match(sent.at(-1) ?? "", /"id":"s","code":"slow_consumer"/)
      assert.deepStrictEqual([sent.length, closes], [3, [[1013, "slow consumer"]]])
      assert.deepStrictEqual(connection.account(), { produced: 2, sent: 0, dropped: 2, conflated: 0, waiting: 0 })
      yield* end
    })
  )
})
