// The runtime by promises: `createSystem`.
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import {
  ActorSystemClosed,
  type ActorSystemOptions,
  AskRefused,
  createSystem,
  define,
  InvalidOption,
  persist,
  refuse,
  reply
} from "../../runtime/index.ts"
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

const WRONG: ReadonlyArray<readonly [given: unknown, option: string, rule: RegExp]> = [
  [undefined, "options", /must be an object/],
  [null, "options", /must be an object/],
  [{}, "namespace", /must be 1 to 32 of a-z 0-9 _/],
  [{ namespace: undefined }, "namespace", /must be 1 to 32 of a-z 0-9 _/],
  [{ namespace: "Two Words" }, "namespace", /start with a letter/],
  [{ namespace: "x", name: "a b.c*" }, "name", /letters, digits or dashes/],
  [{ namespace: "x", actors: [{}] }, "actors[0]", /must be what define gives/],
  [{ namespace: "x", actors: stock }, "actors", /must be a list/],
  [{ namespace: "x", actors: [stock, stock] }, "actors", /each type of actor once/],
  [{ namespace: "x", url: "http://127.0.0.1" }, "url", /nats:\/\//],
  [{ namespace: "x", log: "debug" }, "log", /must be None/],
  [{ namespace: "x", nats: "nats://127.0.0.1" }, "nats", /is no such option/]
]

describe("createSystem of what it cannot take", () => {
  it.each(WRONG)("%j is refused, by the option's name and its rule", async (given, option, rule) => {
    const error = await rejection(createSystem(given as ActorSystemOptions))
    assert.instanceOf(error, InvalidOption)
    assert.deepStrictEqual([error._tag, error.option], ["InvalidOption", option])
    assert.match(error.rule, rule)
  })
})

layer(NatsServer.layer, { excludeTestServices: true })("createSystem", (it) => {
  it.effect("asks and tells actors here and elsewhere, rejects with typed errors, and closes once", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      yield* Effect.promise(async () => {
        const system = await createSystem({ actors: [stock], url, namespace: "promised" })
        await using elsewhere = await createSystem({ url, namespace: "promised" })
        await system.tell(Stock, "bolts", "Put", { pieces: 5 })
        assert.strictEqual(await elsewhere.ask(Stock, "bolts", "Take", { pieces: 2 }), 3)
        for (const timeout of [-1, 0, "abc", null] as ReadonlyArray<unknown>) {
          const never = system.ask(Stock, "bolts", "Take", { pieces: 9 }, { timeout: timeout as number })
          const error = await rejection(never)
          assert.instanceOf(error, InvalidOption)
          assert.strictEqual(error.option, "timeout")
        }
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

  it.effect("is rejected where NATS cannot be used", () =>
    Effect.promise(async () => {
      const nobody = await rejection(createSystem({ url: "nats://127.0.0.1:1", namespace: "promised" }))
      assert.match(String(nobody), /no NATS server answers/)
    })
  )
})
