import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { type Actor, ActorLog, Actors, define, layerNode, persist, reply } from "../../runtime/index.ts"
import { AccountProtocol1, AccountProtocol2, account1, account2 } from "../support/account.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const soon = { timeout: "4 seconds" } as const
const deposit1 = (id: string, amount: number) =>
  Actors.use((all) => all.ask(AccountProtocol1, id, "Deposit", { amount }, soon))
const deposit2 = (id: string, cents: number) =>
  Actors.use((all) => all.ask(AccountProtocol2, id, "Deposit", { cents, currency: "EUR" }, soon))
const on = (actor: Actor) => Effect.provide(Layer.fresh(layerNode({ name: "one", actors: [actor] })))

layer(NatsServer.layer, { excludeTestServices: true })("versions of an actor", (it) => {
  it.effect("a newer one reads state, events and messages of an older one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* deposit1("a", 3).pipe(on(account1)), 3)
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* deposit1("a", 1), 4, "an old client")
        assert.strictEqual(yield* deposit2("a", 250), 6.5, "a new client")
      }).pipe(on(account2))
    }).pipe(Effect.provide(client({ namespace: "upcast" })))
  )

  it.effect("an older one leaves what a newer one wrote alone, and its mail waits for a newer one", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const owner = { type: "account", id: "a" }
      assert.strictEqual(yield* deposit2("a", 150).pipe(on(account2)), 1.5)
      const before = yield* log.readJournal(owner)
      yield* Effect.gen(function* () {
        const kept = { messageId: "kept", timeout: "700 millis" } as const
        const waiting = Actors.use((all) => all.ask(AccountProtocol1, "a", "Deposit", { amount: 1 }, kept))
        assert.strictEqual((yield* Effect.flip(waiting))._tag, "AskTimeout")
        assert.strictEqual(yield* deposit1("b", 1), 1, "others go on")
      }).pipe(on(account1))
      assert.deepStrictEqual(yield* log.readJournal(owner), before)
      assert.strictEqual(yield* deposit2("a", 100).pipe(on(account2)), 3.5, "the message that waited counts")
    }).pipe(Effect.provide(client({ namespace: "newer" })))
  )

  it.effect("an older one leaves a newer message alone", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* deposit1("a", 1), 1)
        const early = Actors.use((all) =>
          all.ask(AccountProtocol2, "a", "Deposit", { cents: 250, currency: "EUR" }, { timeout: "500 millis" })
        )
        assert.strictEqual((yield* Effect.flip(early))._tag, "AskTimeout")
      }).pipe(on(account1))
      assert.strictEqual(yield* deposit2("a", 100).pipe(on(account2)), 4.5)
    }).pipe(Effect.provide(client({ namespace: "newmessage" })))
  )

  it.effect("fields that an older one of the same version does not know survive in its hands", () => {
    const protocol = {
      type: "card",
      messages: { Note: { payload: Schema.Struct({ text: Schema.String }), reply: Schema.Unknown } }
    } as const
    const card = (fields: Schema.Struct.Fields, extra: object) =>
      define({
        protocol,
        state: Schema.Struct({ text: Schema.String, ...fields }),
        initial: () => ({ text: "", ...extra }),
        events: { Noted: { text: Schema.String } },
        decide: {
          Note: (state, { text }) => [persist({ _tag: "Noted", text }), reply({ ...state, text })]
        },
        evolve: { Noted: (state, { text }) => ({ ...state, text }) }
      })
    const note = (text: string) => Actors.use((all) => all.ask(protocol, "a", "Note", { text }, soon))
    const newer = card({ colour: Schema.String }, { colour: "red" })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* note("one").pipe(on(newer)), { text: "one", colour: "red" })
      yield* note("two").pipe(on(card({}, {})))
      assert.deepStrictEqual(yield* note("three").pipe(on(newer)), { text: "three", colour: "red" })
    }).pipe(Effect.provide(client({ namespace: "unknownfields" })))
  })
})
