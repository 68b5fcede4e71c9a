import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { Frame } from "../../protocols/index.ts"
import { type Client, eventually, http, openClient } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"
import { openNamespace } from "../support/nats-gateway.ts"
import { natsProxy } from "../support/nats-proxy.ts"

let namespaces = 0
const freshNamespace = Effect.gen(function* () {
  const { url, port } = yield* NatsServer
  const namespace = `streams${++namespaces}`
  return { url, port, namespace, ...(yield* openNamespace(url, namespace)) }
})

/** The frames up to and with the one of a type. */
const until = (client: Client, type: string, sofar: ReadonlyArray<Frame> = []): Effect.Effect<ReadonlyArray<Frame>> =>
  Effect.flatMap(client.next, (frame) => {
    const all = [...sofar, frame]
    return frame.type === type ? Effect.succeed(all) : until(client, type, all)
  })

const seqs = (frames: ReadonlyArray<Frame>) => frames.flatMap(({ seq }) => (seq === null ? [] : [seq]))

const history = (client: Client, start: unknown, pattern = ">", id = "s") => {
  client.send({ op: "subscribe", id, pattern, start })
  return until(client, "caught_up")
}

layer(NatsServer.layer, { excludeTestServices: true })("a stream from the log", (it) => {
  it.effect("is history, then what comes, with the sequences of the log", () =>
    Effect.gen(function* () {
      const { publish, publishAll, gateway } = yield* freshNamespace
      const first = yield* publish("decision.AAPL.risk_advisor", { n: 1 })
      yield* publish("tool.x.y")
      const last = yield* publishAll(
        Array.from({ length: 900 }, (_, index) => `decision.S${index % 3}.risk_advisor`),
        { filler: "f".repeat(500) }
      )
      const client = yield* openClient((yield* gateway()).url)
      const frames = yield* history(client, { seq: 1 }, "decision.>")
      assert.strictEqual(frames[0]?.type, "subscribed")
      assert.deepStrictEqual(seqs(frames), [first, ...Array.from({ length: 900 }, (_, index) => last - 899 + index)])
      assert.deepStrictEqual(frames.at(-1)?.data, { id: "s", seq: last })
      const next = yield* publish("decision.AAPL.risk_advisor")
      assert.deepStrictEqual((yield* client.next).seq, next)
      const newest = yield* history(client, "last", "decision.>", "l")
      assert.deepStrictEqual(seqs(newest), [last - 2, last - 1, last, next])
      const future = yield* history(client, { time: "2100-01-01T00:00:00Z" }, "decision.>", "t")
      assert.deepStrictEqual(seqs(future), [])
    }).pipe(Effect.scoped)
  )

  it.effect("holds events larger than a page of history", () =>
    Effect.gen(function* () {
      const { publish, gateway } = yield* freshNamespace
      for (let count = 0; count < 3; count++) yield* publish("market.A", { filler: "f".repeat(400_000) })
      const client = yield* openClient((yield* gateway()).url)
      assert.strictEqual(seqs(yield* history(client, { seq: 1 })).length, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("goes on where it was: on another gateway, and after the gateway was restarted", () =>
    Effect.gen(function* () {
      const { publish, gateway } = yield* freshNamespace
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(gateway(), scope)
      const other = yield* gateway()
      const client = yield* openClient(one.url)
      client.send({ op: "subscribe", id: "s", pattern: "market.*" })
      const { seq: from } = Object((yield* client.next).data)
      const seen = [yield* publish("market.A"), yield* publish("market.B")]
      assert.deepStrictEqual([(yield* client.next).seq, (yield* client.next).seq], seen)
      assert.isBelow(from, seen[0]!)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* client.closed).code, 1001)
      const missed = [yield* publish("market.A"), yield* publish("market.A")]
      const again = yield* openClient(other.url)
      assert.deepStrictEqual(seqs(yield* history(again, { seq: seen[1]! + 1 }, "market.*")), missed)
      const restarted = yield* gateway({ port: one.port })
      const back = yield* openClient(restarted.url)
      assert.deepStrictEqual(seqs(yield* history(back, { seq: seen[1]! + 1 }, "market.*")), missed)
      const both = yield* publish("market.C")
      assert.deepStrictEqual([(yield* again.next).seq, (yield* back.next).seq], [both, both])
    }).pipe(Effect.scoped)
  )

  it.effect("loses nothing when the way to NATS breaks, nor what was stored meanwhile", () =>
    Effect.gen(function* () {
      const { port, publish, gateway } = yield* freshNamespace
      const proxy = yield* natsProxy(port)
      const { url } = yield* gateway({}, proxy.url)
      const client = yield* openClient(url)
      client.send({ op: "subscribe", id: "s", pattern: ">" })
      assert.strictEqual((yield* client.next).type, "subscribed")
      const stored: Array<number> = []
      for (let round = 0; round < 3; round++) {
        stored.push(yield* publish("a.b"))
        proxy.cut()
        for (let count = 0; count < 20; count++) stored.push(yield* publish("a.b"))
      }
      yield* eventually("all came", () => client.waiting().length === stored.length)
      assert.deepStrictEqual(seqs(client.waiting()), stored)
    }).pipe(Effect.scoped)
  )

  it.effect("loses nothing when single messages are lost on the way", () =>
    Effect.gen(function* () {
      const { port, publish, gateway } = yield* freshNamespace
      const proxy = yield* natsProxy(port)
      const { url } = yield* gateway({}, proxy.url)
      const client = yield* openClient(url)
      client.send({ op: "subscribe", id: "s", pattern: ">" })
      assert.strictEqual((yield* client.next).type, "subscribed")
      let swallowed = 0
      proxy.swallow(({ payload }) => payload.includes('"n":3') && swallowed++ === 0)
      const stored: Array<number> = []
      for (let n = 0; n < 6; n++) stored.push(yield* publish("a.b", { n }))
      yield* eventually("all came", () => client.waiting().length === stored.length)
      assert.deepStrictEqual([seqs(client.waiting()), swallowed > 0], [stored, true])
    }).pipe(Effect.scoped)
  )

  it.effect("never shows a mailbox, a journal, a dead letter or another namespace, whatever is asked for", () =>
    Effect.gen(function* () {
      const { url, namespace, append, publish, gateway } = yield* freshNamespace
      const other = yield* openNamespace(url, `${namespace}x`)
      const owner = { type: "coordinator", id: "AAPL" }
      yield* append([
        { kind: "mail", to: owner, payload: '{"type":"secret","data":{}}' },
        {
          kind: "journal",
          owner,
          payload: '{"type":"secret","data":{}}',
          expected: 0,
          snapshot: false,
          truncate: false
        },
        { kind: "dead", owner, payload: '{"type":"secret","data":{}}' }
      ])
      yield* other.publish("a.b")
      const mine = yield* publish("a.b")
      const client = yield* openClient((yield* gateway()).url)
      const patterns = [
        ">",
        "*.>",
        `${namespace}.journal.>`,
        "journal.>",
        `${namespace}x.event.>`,
        "mail.>",
        "$JS.>",
        "_INBOX.>",
        "dead.coordinator.AAPL"
      ]
      for (const [index, pattern] of patterns.entries()) {
        const frames = yield* history(client, { seq: 1 }, pattern, `s${index}`)
        assert.deepStrictEqual(seqs(frames), index < 2 ? [mine] : [], pattern)
        yield* client.call({ op: "unsubscribe", id: `s${index}` })
      }
    }).pipe(Effect.scoped)
  )

  it.effect("leaves no consumer behind", () =>
    Effect.gen(function* () {
      const { publish, consumers, gateway } = yield* freshNamespace
      yield* publish("a.b")
      const { url, port } = yield* gateway()
      const client = yield* openClient(url)
      for (let count = 0; count < 5; count++) {
        yield* history(client, { seq: 1 }, "a.*")
        assert.strictEqual(yield* consumers, 1, "that of the pattern, and none of the history")
        yield* client.call({ op: "unsubscribe", id: "s" })
      }
      assert.strictEqual(yield* consumers, 0)
      assert.deepInclude((yield* http(port, "/healthz")).json, { watches: 0, subscriptions: 0 })
    }).pipe(Effect.scoped)
  )
})
