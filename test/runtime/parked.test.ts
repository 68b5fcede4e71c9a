import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, Actors, layerNode, Operators } from "../../runtime/index.ts"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { lettersOf, MenderProtocol, mender, notesOf, owner } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"

const note = (id: string, text: string, messageId: string) =>
  Actors.use((all) => all.ask(MenderProtocol, id, "Note", { text }, { messageId, timeout: "3 seconds" }))
const letters = Operators.use((all) => all.letters({}, 0, 10))

/** A namespace with operators and no node. */
const namespaceOf = (namespace: string) =>
  Layer.unwrap(
    Effect.map(NatsServer, ({ url }) => {
      const options = { url, namespace, name: "test", ttlSeconds: 1, shards: 8 }
      return layerOperators(options).pipe(Layer.provideMerge(layerNats(options)))
    })
  )
const onNode = (name: string, broken: ReadonlySet<string>) =>
  Effect.provide(Layer.fresh(layerNode({ name, actors: [mender(broken)] })))

layer(NatsServer.layer, { excludeTestServices: true })("a message that was parked", (it) => {
  it.effect("is told of again where it is repeated with its id, also by the next node, and is parked once", () =>
    Effect.gen(function* () {
      const broken = new Set(["b"])
      yield* Effect.gen(function* () {
        const first = yield* Effect.flip(note("x", "b", "mine"))
        assert.strictEqual(first._tag, "ActorFailed")
        broken.delete("b")
        assert.deepStrictEqual(yield* Effect.flip(note("x", "b", "mine")), first)
        for (const text of ["c", "d", "e", "f", "g", "h"]) yield* note("x", text, text)
      }).pipe(onNode("one", broken))
      yield* Effect.gen(function* () {
        assert.match((yield* Effect.flip(note("x", "b", "mine"))).message, /cannot note b/)
        yield* Actors.use((all) => all.tell(MenderProtocol, "x", "Note", { text: "b" }, { messageId: "mine" }))
        assert.strictEqual((yield* letters).length, 1)
        assert.deepStrictEqual(yield* notesOf("x", 6), ["c", "d", "e", "f", "g", "h"])
      }).pipe(onNode("two", broken))
    }).pipe(Effect.provide(namespaceOf("repeated")))
  )

  it.effect("is told of to an asker who sends it again, because the first answer was lost with its node", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const heard: Array<unknown> = []
      yield* log.answers((payload) => heard.push(JSON.parse(payload)))
      const asked = {
        kind: "message",
        message: "Note",
        body: { text: "b" },
        correlation: "",
        id: "lost",
        reply: log.inbox
      }
      const send = (more: object) =>
        log.append([{ kind: "mail", to: owner("y"), payload: JSON.stringify({ ...asked, ...more }) }])
      yield* send({ reply: "nobody" })
      yield* lettersOf("y", 1)
      yield* send({ again: true, age: 4_000 })
      yield* notesOf("y", 0)
      assert.containSubset(heard, [{ id: "lost", from: "mender/y", outcome: "failed" }])
    }).pipe(onNode("one", new Set(["b"])), Effect.provide(namespaceOf("lost")), Effect.scoped)
  )

  it.effect("is tried again where an operator gives it back, once for each letter, and then has another answer", () => {
    const broken = new Set(["b"])
    return Effect.gen(function* () {
      const operators = yield* Operators
      yield* Effect.flip(note("z", "b", "mine"))
      const [first] = yield* lettersOf("z", 1)
      yield* operators.retry(first!.sequence)
      const again = yield* lettersOf("z", 1).pipe(
        Effect.repeat({ until: ([letter]) => letter?.sequence !== first!.sequence })
      )
      assert.deepStrictEqual(yield* notesOf("z", 0), [], "it fails as before")
      broken.delete("b")
      yield* operators.retry(again[0]!.sequence)
      assert.deepStrictEqual(yield* notesOf("z", 1), ["b"])
      assert.strictEqual(yield* note("z", "b", "mine"), 1)
      assert.deepStrictEqual(yield* notesOf("z", 1), ["b"])
      assert.deepStrictEqual(yield* letters, [])
    }).pipe(onNode("one", broken), Effect.provide(namespaceOf("retried")))
  })
})
