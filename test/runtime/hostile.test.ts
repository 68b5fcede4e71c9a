import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { ActorLog, Actors, LogRefused, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"
import { alive, notesBecome, Protocol, soon, troubleWith } from "./trouble.ts"

const actors = [troubleWith(() => Effect.succeed("done")), counter]

layer(NatsServer.layer, { excludeTestServices: true })("a node survives", (it) => {
  it.effect("an answer that is larger than the server takes: its asker is told", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      yield* all.ask(Protocol, "a", "Note", { text: "one" }, soon)
      const error = yield* Effect.flip(all.ask(Protocol, "a", "Huge", { bytes: 2_000_000 }, soon))
      assert.strictEqual(error._tag, "ActorFailed")
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "huge", actors })))
  )

  it.effect("sends to ids that cannot be part of a subject: the step is parked", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      for (const id of ["a b", "*", "x>y", "", ">", "\ud800", "new\nline"]) {
        const error = yield* Effect.flip(all.ask(Protocol, "a", "SendTo", { id }, soon))
        assert.strictEqual(error._tag, "ActorFailed", JSON.stringify(id))
      }
      yield* alive
      assert.strictEqual(
        (yield* Effect.flip(all.tell(Protocol, "\ud800", "Note", { text: "" })))._tag,
        "InvalidAddress"
      )
    }).pipe(Effect.provide(system({ namespace: "badsend", actors })))
  )

  it.effect("subjects and timer names that cannot be part of a subject", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      for (const subject of ["a b", "*", "said.>", "", "said..x", ".x", "x.", "a\r\nPING", "x".repeat(5_000)]) {
        const error = yield* Effect.flip(all.ask(Protocol, "a", "PublishUnder", { subject }, soon))
        assert.strictEqual(error._tag, "ActorFailed", JSON.stringify(subject.slice(0, 10)))
      }
      const at = (yield* Clock.currentTimeMillis) + 60_000
      for (const name of ["a b", "*", ">", "", ".", "x".repeat(5_000)]) {
        const error = yield* Effect.flip(all.ask(Protocol, "a", "Remind", { name, at }, soon))
        assert.strictEqual(error._tag, "ActorFailed", JSON.stringify(name.slice(0, 10)))
      }
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "badsubject", actors })))
  )

  it.effect("timers at times that are no times, and recovers from those between milliseconds", () => {
    const here = system({ namespace: "badtime", actors })
    return Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const all = yield* Actors
        for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 1e17]) {
          const error = yield* Effect.flip(all.ask(Protocol, "a", "Remind", { name: "x", at }, soon))
          assert.strictEqual(error._tag, "ActorFailed")
        }
        const now = yield* Clock.currentTimeMillis
        yield* all.ask(Protocol, "a", "Remind", { name: "later", at: now + 3_000.5 }, soon)
        yield* all.ask(Protocol, "a", "Remind", { name: "early", at: -1e15 }, soon)
        yield* notesBecome("a", ["reminded early"])
        yield* alive
      }).pipe(Effect.provide(here))
      yield* notesBecome("a", ["reminded early", "reminded later"]).pipe(
        Effect.provide(system({ namespace: "badtime", node: "next", actors }))
      )
    })
  })

  it.effect("ids with odd characters, in messages, timers and journals", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      for (const id of ["漢字", "a/b:c#d@e", "$JS", "é\u0301", "😀".repeat(60)]) {
        const at = yield* Clock.currentTimeMillis
        yield* all.ask(Protocol, id, "Remind", { name: "ü$", at }, soon)
        yield* notesBecome(id, ["reminded ü$"])
        yield* all.ask(Protocol, "a", "SendTo", { id }, soon)
        yield* notesBecome(id, ["reminded ü$", "sent"])
      }
    }).pipe(Effect.provide(system({ namespace: "oddids", actors })))
  )

  it.effect("a timer set twice in one step: the second time replaces the first", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const now = yield* Clock.currentTimeMillis
      yield* all.tell(Protocol, "a", "RemindTwice", { first: now - 1_000, second: now + 1_000 })
      yield* notesBecome("a", ["reminded second"])
    }).pipe(Effect.provide(system({ namespace: "twicetimer", actors })))
  )

  it.effect("message ids that cannot be headers", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      for (const messageId of ["a\nb", "a\r\n\r\nb", "x".repeat(5_000), "x".repeat(1_000_000)]) {
        const error = yield* Effect.flip(
          all.tell(CounterProtocol, "b", "Add", { n: 1 }, { messageId }).pipe(Effect.timeout("4 seconds"))
        )
        assert.strictEqual(error._tag, "InvalidMessage", JSON.stringify(messageId.slice(0, 10)))
      }
      yield* all.tell(CounterProtocol, "b", "Add", { n: 1 }, { messageId: "spaced: é 漢" })
      assert.strictEqual(yield* all.ask(CounterProtocol, "b", "Get", {}, soon), 1)
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "badids", actors })))
  )

  it.effect("an actor that cannot begin: its messages are parked", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const error = yield* Effect.flip(all.ask(Protocol, "unborn-1", "Note", { text: "?" }, soon))
      assert.strictEqual(error._tag, "ActorFailed")
      assert.match(error.message, /no such actor/)
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "unborn", actors })))
  )

  it.effect("a state that does not fit its schema when the snapshot is due", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      for (let time = 0; time < 7; time++) yield* all.ask(Protocol, "a", "Spoil", {}, soon)
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "spoiled", actors })))
  )

  it.effect("a message that fails with a cause too large to be stored beside it", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      const { limits } = yield* ActorLog
      const text = "\u0001".repeat(170_000)
      assert.isBelow(JSON.stringify(text).length, limits.payloadBytesMax)
      const padding = "x".repeat(limits.payloadBytesMax - JSON.stringify(text).length - 250)
      const error = yield* Effect.flip(all.ask(Protocol, "a", "Fail", { text: text + padding }, soon))
      assert.strictEqual(error._tag, "ActorFailed")
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "largecause", actors })))
  )

  it.effect("an activity that interrupts itself: it has failed", () =>
    Effect.gen(function* () {
      yield* Actors.use((all) => all.tell(Protocol, "a", "Run", { key: "k" }))
      yield* notesBecome("a", ["failure"])
    }).pipe(Effect.provide(system({ namespace: "suicide", actors: [troubleWith(() => Effect.interrupt), counter] })))
  )

  it.effect("activities whose actor and key read the same when put together", () => {
    const slow = troubleWith((id) => Effect.delay(Effect.succeed(`from ${id}`), "500 millis"))
    return Effect.gen(function* () {
      const all = yield* Actors
      yield* all.tell(Protocol, "a#b", "Run", { key: "c" })
      yield* all.tell(Protocol, "a", "Run", { key: "b#c" })
      yield* notesBecome("a", ["from a"])
      yield* notesBecome("a#b", ["from a#b"])
    }).pipe(Effect.provide(system({ namespace: "collide", actors: [slow, counter] })))
  })

  it.effect("an inbox that is none, and an answer that is none", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const asked = { kind: "message", message: "Get", body: {}, id: "i", correlation: "" }
      for (const reply of ["a b", "", "\r\n", "x..y"]) {
        const payload = JSON.stringify({ ...asked, reply })
        yield* log.append([{ kind: "mail", to: { type: "counter", id: "a" }, payload }])
      }
      log.answer(log.inbox, "no answer")
      log.answer(log.inbox, "{}")
      yield* Effect.sleep("100 millis")
      yield* alive
    }).pipe(Effect.provide(system({ namespace: "inboxes", actors })))
  )

  it.effect("a watch that throws", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const all = yield* Actors
      yield* log.watch("said.*", () => {
        throw new Error("it broke")
      })
      yield* all.ask(Protocol, "a", "PublishUnder", { subject: "said.this" }, soon)
      yield* Effect.sleep("100 millis")
      yield* alive
    }).pipe(Effect.scoped, Effect.provide(system({ namespace: "watches", actors })))
  )

  it.effect("a step that the log refuses for good, beside messages that have no step", () => {
    const refusing = Layer.effect(
      ActorLog,
      Effect.map(ActorLog, (log) =>
        ActorLog.of({
          ...log,
          append: (group, id) =>
            group.some((entry) => entry.kind === "event" && entry.subject === "forbidden")
              ? Effect.fail(new LogRefused({ code: 1, detail: "forbidden" }))
              : log.append(group, id)
        })
      )
    )
    const node = layerNode({ name: "node", actors }).pipe(Layer.provide(refusing))
    return Effect.gen(function* () {
      const all = yield* Actors
      const asks = Effect.all(
        [
          all.ask(Protocol, "a", "Read", {}, soon),
          Effect.flip(all.ask(Protocol, "a", "PublishUnder", { subject: "forbidden" }, soon)),
          all.ask(Protocol, "a", "Read", {}, soon),
          all.ask(Protocol, "a", "Note", { text: "on" }, soon)
        ],
        { concurrency: 4 }
      )
      const [, refused] = yield* asks
      assert.match(refused.message, /forbidden/)
    }).pipe(Effect.provide(Layer.provideMerge(node, client({ namespace: "refusal" }))))
  })
})

layer(NatsServer.layer, { excludeTestServices: true })("an ask that is sent again", (it) => {
  it.effect("has one effect, also after more others than an actor remembers", () =>
    Effect.gen(function* () {
      const options = { namespace: "again", actors }
      yield* Effect.gen(function* () {
        const all = yield* Actors
        const asks = yield* Effect.forkScoped(
          Effect.forEach(
            Array.from({ length: 600 }),
            () => all.ask(CounterProtocol, "a", "Add", { n: 1 }, { timeout: "15 seconds" }),
            { concurrency: "unbounded", discard: true }
          )
        )
        yield* Effect.sleep("5 seconds") // nobody is there: all are sent again
        yield* Effect.gen(function* () {
          const again = yield* Actors
          yield* Effect.sleep("1 second")
          assert.strictEqual(yield* again.ask(CounterProtocol, "a", "Get", {}, soon), 600)
        }).pipe(Effect.provide(system(options)))
        void asks
      }).pipe(Effect.provide(client(options)), Effect.scoped)
    })
  )
})
