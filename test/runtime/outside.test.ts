import { assert, layer } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Schema } from "effect"
import { Actors, cancelTimer, define, persist, reply, setTimer, shardOf } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

/** The largest message that the server takes from anybody. */
const PAYLOAD_MAX = 1_048_576

const Protocol = {
  type: "timers",
  messages: { Juggle: { payload: Schema.Struct({ at: Schema.Int }), reply: Schema.Int } }
} as const

/** Cancels and sets one timer in every order within one step. */
const juggler = define({
  protocol: Protocol,
  state: Schema.Int,
  initial: () => 0,
  events: { Juggled: {} },
  decide: {
    Juggle: (count, { at }) => [
      persist({ _tag: "Juggled" }),
      cancelTimer("x"),
      cancelTimer("x"),
      setTimer("x", at, "Juggle", { at }),
      cancelTimer("x"),
      setTimer("y", at, "Juggle", { at }),
      cancelTimer("y"),
      cancelTimer("y"),
      reply(count + 1)
    ]
  },
  evolve: { Juggled: (count) => count + 1 }
})

layer(NatsServer.layer, { excludeTestServices: true })("a node is not stopped", (it) => {
  it.effect("by a message as large as the server takes, put into a mailbox from outside", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const all = yield* Actors
      const message = (n: string) => JSON.stringify({ kind: "message", message: "Add", body: { n }, correlation: "" })
      const largest = message("x".repeat(PAYLOAD_MAX - message("").length))
      const shard = shardOf({ type: "counter", id: "poison" }, 8)
      yield* Effect.acquireUseRelease(
        Effect.promise(() => connect({ servers: url })),
        (connection) =>
          Effect.promise(async () => {
            connection.publish(`outside.mail.${shard}.counter.poison`, largest)
            await connection.flush()
          }),
        (connection) => Effect.promise(() => connection.close())
      )
      for (const id of ["poison", "a", "b"]) {
        assert.strictEqual(yield* all.ask(CounterProtocol, id, "Add", { n: 1 }, { timeout: "4 seconds" }), 1)
      }
    }).pipe(Effect.provide(system({ namespace: "outside", actors: [counter] })))
  )

  it.effect("by a step that sets and cancels one timer in every order", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const at = 4_000_000_000_000
      assert.strictEqual(yield* all.ask(Protocol, "a", "Juggle", { at }), 1)
      assert.strictEqual(yield* all.ask(Protocol, "a", "Juggle", { at }), 2)
    }).pipe(Effect.provide(system({ namespace: "juggling", actors: [juggler] })))
  )
})
