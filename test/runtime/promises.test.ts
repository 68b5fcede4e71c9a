// The runtime by promises: `createSystem`.
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { ActorSystemClosed, AskRefused, createSystem, define, persist, refuse, reply } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"

const Stock = {
  type: "stock",
  messages: {
    Put: { payload: Schema.Struct({ pieces: Schema.Int }), reply: Schema.Int },
    Take: { payload: Schema.Struct({ pieces: Schema.Int }), reply: Schema.Int, error: Schema.Literal("too few") }
  }
} as const

const stock = define({
  protocol: Stock,
  state: Schema.Struct({ pieces: Schema.Int }),
  initial: () => ({ pieces: 0 }),
  events: { Changed: { by: Schema.Int } },
  decide: {
    Put: (state, { pieces }) => [persist({ _tag: "Changed", by: pieces }), reply(state.pieces + pieces)],
    Take: (state, { pieces }) =>
      pieces > state.pieces
        ? [refuse("too few")]
        : [persist({ _tag: "Changed", by: -pieces }), reply(state.pieces - pieces)]
  },
  evolve: { Changed: (state, { by }) => ({ pieces: state.pieces + by }) }
})

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error
  )

layer(NatsServer.layer, { excludeTestServices: true })("createSystem", (it) => {
  it.effect("asks and tells actors here and elsewhere, rejects with typed errors, and closes once", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      yield* Effect.promise(async () => {
        const system = await createSystem({ actors: [stock], url, namespace: "promised" })
        await using elsewhere = await createSystem({ url, namespace: "promised" })
        await system.tell(Stock, "bolts", "Put", { pieces: 5 })
        assert.strictEqual(await elsewhere.ask(Stock, "bolts", "Take", { pieces: 2 }), 3)
        const refused = await rejection(system.ask(Stock, "bolts", "Take", { pieces: 9 }))
        assert.instanceOf(refused, AskRefused)
        assert.deepStrictEqual([refused.refusal, refused.message], ["too few", 'stock/bolts refused Take: "too few"'])
        await Promise.all([system.close(), system.close()])
        assert.instanceOf(await rejection(system.tell(Stock, "bolts", "Put", { pieces: 1 })), ActorSystemClosed)
        const late = elsewhere.ask(Stock, "bolts", "Put", { pieces: 1 }, { timeout: "200 millis" })
        assert.instanceOf(await rejection(late), Error)
      })
    })
  )

  it.effect("is rejected where NATS cannot be used, or the namespace is none", () =>
    Effect.promise(async () => {
      const nobody = await rejection(createSystem({ url: "nats://127.0.0.1:1", namespace: "promised" }))
      assert.match(String(nobody), /no NATS server answers/)
      assert.instanceOf(await rejection(createSystem({ namespace: "Two Words" })), RangeError)
    })
  )
})
