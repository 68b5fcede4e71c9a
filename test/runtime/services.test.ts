import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Actors, Archive, define, Operators, persist, reply } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { eventually, operated, startNode } from "../support/nodes.ts"

const protocolOf = (type: string) => ({
  type,
  messages: { Add: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int } }
})

const actorOf = (protocol: ReturnType<typeof protocolOf>) =>
  define({
    protocol,
    state: Schema.Struct({ n: Schema.Int }),
    initial: () => ({ n: 0 }),
    events: { Added: { n: Schema.Int } },
    snapshotEvery: 1,
    decide: { Add: (state, { n }) => [persist({ _tag: "Added", n }), reply(state.n + n)] },
    evolve: { Added: (state, { n }) => ({ n: state.n + n }) }
  })

const [Orders, Billing] = [protocolOf("orders"), protocolOf("billing")]
const [orders, billing] = [actorOf(Orders), actorOf(Billing)]
const ids = Array.from({ length: 24 }, (_, index) => `x${index}`)

const askAll = (protocol: ReturnType<typeof protocolOf>) =>
  Effect.forEach(ids, (id) => Actors.use((all) => all.ask(protocol, id, "Add", { n: 1 }, { timeout: "8 seconds" })), {
    concurrency: 24
  })

const each = (n: number) => ids.map(() => n)
const mailLeft = Archive.use((archive) => archive.mailboxes({}, undefined, 100))

layer(NatsServer.layer, { excludeTestServices: true })(
  "two services of one namespace, each with its own actor type",
  (it) => {
    it.effect("serve both types in every shard, and what nobody has waits for who has it", () =>
      Effect.gen(function* () {
        const operators = yield* Operators
        yield* startNode("orders-1", [orders])
        const first = yield* startNode("billing-1", [billing])
        assert.deepStrictEqual(yield* askAll(Orders), each(1))
        assert.deepStrictEqual(yield* askAll(Billing), each(1))
        // What both have done is removed, by either.
        yield* eventually(mailLeft, (mailboxes) => mailboxes.length === 0)

        yield* first.stop
        yield* Effect.forEach(ids, (id) => Actors.use((all) => all.tell(Billing, id, "Add", { n: 1 })))
        assert.deepStrictEqual(yield* askAll(Orders), each(2))
        yield* Effect.sleep("2 seconds")
        assert.strictEqual((yield* mailLeft).filter(({ address }) => address.type === "billing").length, ids.length)

        yield* startNode("billing-2", [billing])
        assert.deepStrictEqual(yield* askAll(Billing), each(3))
        assert.deepStrictEqual(yield* askAll(Orders), each(3))
        assert.deepStrictEqual(yield* operators.paused, [])
        assert.deepStrictEqual(yield* operators.letters({}, 0, 10), [])
        yield* eventually(mailLeft, (mailboxes) => mailboxes.length === 0)
      }).pipe(Effect.scoped, Effect.provide(operated("services")))
    )

    it.effect("share a type that both have, while a newer release brings one more", () =>
      Effect.gen(function* () {
        const old = yield* startNode("old", [orders])
        yield* askAll(Orders)
        const newer = yield* startNode("newer", [orders, billing])
        assert.deepStrictEqual(yield* askAll(Billing), each(1))
        assert.deepStrictEqual(yield* askAll(Orders), each(2))
        yield* old.stop
        assert.deepStrictEqual(yield* askAll(Billing), each(2))
        yield* startNode("old-again", [orders])
        yield* newer.stop
        assert.deepStrictEqual(yield* askAll(Orders), each(3))
        yield* startNode("newest", [orders, billing])
        assert.deepStrictEqual(yield* askAll(Billing), each(3))
        assert.deepStrictEqual(yield* Operators.use(({ paused }) => paused), [])
      }).pipe(Effect.scoped, Effect.provide(operated("releases")))
    )
  }
)
