import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { ActorLog, Actors, define, layerNode, persist, refuse, reply } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const one = { messageId: "order-1" }

layer(NatsServer.layer, { excludeTestServices: true })("a message id is an actor's own", (it) => {
  it.effect("told to two actors it is taken by both", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* all.tell(CounterProtocol, "a", "Add", { n: 1 }, one)
      yield* all.tell(CounterProtocol, "b", "Add", { n: 2 }, one)
      const counts = yield* Effect.forEach(["a", "b"], (id) => all.ask(CounterProtocol, id, "Get", {}))
      assert.deepStrictEqual(counts, [1, 2])
    }).pipe(Effect.provide(system({ namespace: "told", actors: [counter] })))
  )

  it.effect("asked of two actors at once, each asker gets its own answer", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* all.ask(CounterProtocol, "c", "Add", { n: 100 })
      const answers = yield* Effect.forEach(
        [
          { id: "c", n: 5 },
          { id: "d", n: 7 }
        ],
        ({ id, n }) => all.ask(CounterProtocol, id, "Add", { n }, one),
        { concurrency: 2 }
      )
      assert.deepStrictEqual(answers, [105, 7])
    }).pipe(Effect.provide(system({ namespace: "asked", actors: [counter] })))
  )
})

const WalletProtocol = {
  type: "wallet",
  messages: {
    Put: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int },
    Take: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int, error: Schema.Literal("too little") }
  }
} as const

/** Remembers three ids, for a second. */
const wallet = define({
  protocol: WalletProtocol,
  remember: { count: 3, for: "1 second" },
  state: Schema.Struct({ amount: Schema.Int }),
  initial: () => ({ amount: 0 }),
  events: { Changed: { n: Schema.Int } },
  decide: {
    Put: ({ amount }, { n }) => [persist({ _tag: "Changed", n }), reply(amount + n)],
    Take: ({ amount }, { n }) =>
      n > amount ? [refuse("too little")] : [persist({ _tag: "Changed", n: -n }), reply(amount - n)]
  },
  evolve: { Changed: ({ amount }, { n }) => ({ amount: amount + n }) }
})

const REUSED = "KeyReused: the key of this Put was used for something else at wallet/k"

const put = (id: string, messageId: string) =>
  Actors.use((all) => all.ask(WalletProtocol, id, "Put", { n: 1 }, { messageId, timeout: "3 seconds" }))
const take = (id: string, messageId: string) =>
  Actors.use((all) => all.ask(WalletProtocol, id, "Take", { n: 1 }, { messageId, timeout: "3 seconds" }))

/** The same message once more, as a client would send it after the server has forgotten its id. */
const putAgain = (id: string, messageId: string) =>
  ActorLog.use((log) => {
    const mail = { kind: "message", message: "Put", body: { n: 1 }, id: messageId, correlation: "", keep: true }
    return log.append([{ kind: "mail", to: { type: "wallet", id }, payload: JSON.stringify(mail) }])
  })

layer(NatsServer.layer, { excludeTestServices: true })("a message repeated with its id", (it) => {
  it.effect("gets the same answer, a refusal too, although it would be another one now", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(take("a", "t1")), "too little")
      assert.strictEqual(yield* put("a", "p1"), 1)
      assert.strictEqual(yield* Effect.flip(take("a", "t1")), "too little")
      assert.strictEqual(yield* put("a", "p1"), 1)
      assert.strictEqual(yield* take("a", "t2"), 0)
    }).pipe(Effect.provide(system({ namespace: "answers", actors: [wallet] })))
  )

  it.effect("has no second effect for as many ids and as long as its actor remembers, and has one beyond", () =>
    Effect.gen(function* () {
      yield* put("a", "1")
      for (const id of ["2", "3"]) yield* put("a", id)
      yield* putAgain("a", "1")
      assert.strictEqual(yield* put("a", "4"), 4, "the fourth: 1 was still remembered, and is no longer")
      yield* putAgain("a", "1")
      assert.strictEqual(yield* put("a", "5"), 6)
      yield* put("b", "1")
      yield* Effect.sleep("1100 millis")
      yield* put("b", "2")
      yield* putAgain("b", "1")
      assert.strictEqual(yield* put("b", "3"), 4)
    }).pipe(Effect.provide(system({ namespace: "forgets", actors: [wallet] })))
  )

  it.effect("has no effect with a key that stands for something else, until that is forgotten", () =>
    Effect.gen(function* () {
      const ask = (messageId: string, digest: string) =>
        Actors.use((all) =>
          all.ask(
            WalletProtocol,
            "k",
            "Put",
            { n: 1 },
            { messageId, once: { key: "key", digest }, timeout: "3 seconds" }
          )
        )
      assert.strictEqual(yield* ask("1", "one"), 1)
      assert.strictEqual(yield* ask("1", "one"), 1)
      assert.strictEqual((yield* Effect.flip(ask("1", "another"))).toString(), REUSED)
      assert.strictEqual((yield* Effect.flip(ask("2", "another"))).toString(), REUSED)
      assert.strictEqual(yield* put("k", "1"), 1, "who names no key gets the answer")
      for (const id of ["3", "4", "5"]) yield* put("k", id)
      assert.strictEqual(yield* ask("2", "another"), 5)
    }).pipe(Effect.provide(system({ namespace: "keys", actors: [wallet] })))
  )

  it.effect("is known by its key to the next owner of its actor too", () =>
    Effect.gen(function* () {
      const url = (yield* NatsServer).url
      const node = (name: string) =>
        Layer.provideMerge(
          layerNode({ name, actors: [wallet] }),
          layerNats({ url, namespace: "owners", name, durability: "warn" })
        )
      const ask = (digest: string) =>
        Actors.use((all) =>
          all.ask(
            WalletProtocol,
            "k",
            "Put",
            { n: 1 },
            { messageId: "1", once: { key: "key", digest }, timeout: "8 seconds" }
          )
        )
      assert.strictEqual(yield* ask("one").pipe(Effect.provide(Layer.fresh(node("first")))), 1)
      const [same, other] = yield* Effect.all([ask("one"), Effect.flip(ask("another"))]).pipe(
        Effect.provide(Layer.fresh(node("second")))
      )
      assert.deepStrictEqual([same, other.toString()], [1, REUSED])
    })
  )
})
