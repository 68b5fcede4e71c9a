import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule } from "effect"
import { ActorLog, Actors, type PublishedEvent, TooLarge } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { announcement, DeskProtocol, plainDesk } from "../support/desk.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"

const actors = [counter, plainDesk]

const readNotes = (id: string) => Actors.use((all) => all.ask(DeskProtocol, id, "Read", {}))

/** Reads until the notes are as expected: what one actor sends another arrives in its own time. */
const notesBecome = (id: string, expected: ReadonlyArray<string>) =>
  readNotes(id).pipe(
    Effect.repeat({ until: (notes) => notes.length >= expected.length, schedule: Schedule.spaced("20 millis") }),
    Effect.map((notes) => assert.deepStrictEqual(notes, expected))
  )

layer(NatsServer.layer, { excludeTestServices: true })("an actor on NATS", (it) => {
  describe("messages", () => {
    it.effect("are answered with what they led to, or with their typed refusal", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Add", { n: 2 }), 2)
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Add", { n: 3 }), 5)
        const refusal = yield* Effect.flip(all.ask(CounterProtocol, "a", "Add", { n: -1 }))
        assert.deepStrictEqual(refusal, { _tag: "Negative", n: -1 })
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Get", {}), 5)
      }).pipe(Effect.provide(system({ namespace: "answers", actors })))
    )

    it.effect("asked twice with one id have one effect and the same answer", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const once = { messageId: "order-1" }
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Add", { n: 2 }, once), 2)
        yield* all.ask(CounterProtocol, "a", "Add", { n: 10 })
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Add", { n: 2 }, once), 2)
        const both = yield* Effect.all(
          [1, 2].map(() => all.ask(CounterProtocol, "a", "Add", { n: 5 }, { messageId: "order-2" })),
          { concurrency: 2 }
        )
        assert.deepStrictEqual(both, [17, 17])
        yield* all.tell(CounterProtocol, "a", "Add", { n: 100 }, { messageId: "order-3" })
        yield* all.tell(CounterProtocol, "a", "Add", { n: 100 }, { messageId: "order-3" })
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Get", {}), 117)
      }).pipe(Effect.provide(system({ namespace: "twice", actors })))
    )

    it.effect("of one sender arrive in the order sent", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const texts = Array.from({ length: 500 }, (_, index) => `n${index}`)
        yield* Effect.forEach(texts, (text) => all.tell(DeskProtocol, "a", "Note", { text }), { concurrency: 500 })
        assert.deepStrictEqual(yield* readNotes("a"), texts)
      }).pipe(Effect.provide(system({ namespace: "order", actors })))
    )

    it.effect("that do not fit are refused before they are sent, naming what is wrong", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const badId = yield* Effect.flip(all.tell(CounterProtocol, "*", "Add", { n: 1 }))
        assert.strictEqual(badId._tag, "InvalidAddress")
        const longId = yield* Effect.flip(all.tell(CounterProtocol, "x".repeat(1_000_000), "Add", { n: 1 }))
        assert.isBelow(longId.message.length, 300)
        const badBody = yield* Effect.flip(all.tell(CounterProtocol, "a", "Add", { n: 0.5 }))
        assert.strictEqual(badBody._tag, "InvalidMessage")
        assert.match(badBody.message, /Add to counter\/a.*integer/s)
        const big = yield* Effect.flip(all.tell(DeskProtocol, "a", "Note", { text: "x".repeat(2_000_000) }))
        assert.instanceOf(big, TooLarge)
        assert.match(big.message, /2000\d\d\d bytes, and the limit is 104\d\d\d\d/)
        assert.strictEqual(yield* all.ask(CounterProtocol, "a", "Get", {}), 0)
      }).pipe(Effect.provide(system({ namespace: "refused", actors })))
    )

    it.effect("that cannot be processed are parked with the cause, and the actor goes on", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const log = yield* ActorLog
        const alerts: Array<PublishedEvent> = []
        yield* log.watch("alert.*", (event) => alerts.push(event))
        const broken = yield* Effect.flip(all.ask(DeskProtocol, "a", "Break", {}))
        assert.match(broken.message, /desk\/a failed on Break: it broke/)
        const tooLarge = yield* Effect.flip(all.ask(DeskProtocol, "a", "Bloat", { bytes: 2_000_000 }))
        assert.match(tooLarge.message, /the step is 2000\d\d\d bytes, and the limit is/)
        assert.strictEqual(yield* all.ask(DeskProtocol, "a", "Note", { text: "on" }), 1)
        assert.strictEqual(alerts.length, 2)
        assert.match(alerts[0]!.payload, /"type":"alert".*desk\/a could not process Break: it broke/)
      }).pipe(Effect.provide(system({ namespace: "parked", actors })), Effect.scoped)
    )
  })

  describe("a step", () => {
    it.effect("sends to other actors, and to itself", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        yield* all.tell(DeskProtocol, "a", "Pass", { to: "b", text: "hello" })
        yield* all.tell(DeskProtocol, "a", "Pass", { to: "a", text: "me" })
        yield* notesBecome("b", ["hello from a"])
        yield* notesBecome("a", ["passed hello", "passed me", "me from a"])
      }).pipe(Effect.provide(system({ namespace: "sends", actors })))
    )

    it.effect("publishes events with growing sequences, after they are stored", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const log = yield* ActorLog
        const seen: Array<PublishedEvent> = []
        yield* log.watch("said.>", (event) => seen.push(event))
        yield* Effect.forEach(["one", "two", "three"], (text) => all.tell(DeskProtocol, "a", "Announce", { text }))
        yield* notesBecome("a", ["one", "two", "three"])
        assert.deepStrictEqual(
          seen.map((event) => event.subject),
          ["said.one", "said.two", "said.three"]
        )
        assert.deepStrictEqual(JSON.parse(seen[1]!.payload), { type: announcement.type, data: { text: "two" } })
        assert.isTrue(seen[0]!.sequence < seen[1]!.sequence && seen[1]!.sequence < seen[2]!.sequence)
      }).pipe(Effect.provide(system({ namespace: "publishes", actors })), Effect.scoped)
    )
  })

  describe("timers", () => {
    it.effect("fire once with their message; in the past at once; set again they replace", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const now = yield* Clock.currentTimeMillis
        yield* all.tell(DeskProtocol, "a", "Remind", { name: "past", at: now - 60_000 })
        yield* notesBecome("a", ["reminded of past"])
        yield* all.tell(DeskProtocol, "a", "Remind", { name: "tea", at: now + 3_600_000 })
        yield* all.tell(DeskProtocol, "a", "Remind", { name: "tea", at: now + 500 })
        yield* notesBecome("a", ["reminded of past", "reminded of tea"])
        yield* Effect.sleep("1500 millis")
        yield* notesBecome("a", ["reminded of past", "reminded of tea"])
      }).pipe(Effect.provide(system({ namespace: "timers", actors })))
    )

    it.effect("that are cancelled never fire, not even from the mailbox", () =>
      Effect.gen(function* () {
        const all = yield* Actors
        const now = yield* Clock.currentTimeMillis
        yield* all.tell(DeskProtocol, "a", "Remind", { name: "tea", at: now + 1_000 })
        yield* all.ask(DeskProtocol, "a", "Forget", { name: "tea" })
        // Set and cancelled again and again, the firings of the past ones lie in the mailbox already.
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => `t${index}`),
          (name) =>
            Effect.all([
              all.tell(DeskProtocol, "a", "Remind", { name, at: now - 1 }),
              all.tell(DeskProtocol, "a", "Forget", { name })
            ]),
          { concurrency: 100 }
        )
        yield* Effect.sleep("2500 millis")
        const notes = yield* readNotes("a")
        assert.isFalse(notes.includes("reminded of tea"))
        assert.strictEqual(new Set(notes).size, notes.length, "none fired twice")
      }).pipe(Effect.provide(system({ namespace: "cancel", actors })))
    )
  })

  describe("a restart", () => {
    it.effect("finds state, timers and remembered answers in the journal, past snapshots too", () =>
      Effect.gen(function* () {
        const here = system({ namespace: "restart", actors })
        const texts = Array.from({ length: 37 }, (_, index) => `n${index}`)
        const now = yield* Clock.currentTimeMillis
        yield* Effect.gen(function* () {
          const all = yield* Actors
          for (const text of texts) yield* all.ask(DeskProtocol, "a", "Note", { text }, { messageId: `id-${text}` })
          yield* all.tell(DeskProtocol, "a", "Remind", { name: "later", at: now + 2_000 })
        }).pipe(Effect.provide(here))
        yield* Effect.gen(function* () {
          const all = yield* Actors
          assert.deepStrictEqual(yield* readNotes("a"), texts)
          assert.strictEqual(yield* all.ask(DeskProtocol, "a", "Note", { text: "?" }, { messageId: "id-n3" }), 4)
          yield* notesBecome("a", [...texts, "reminded of later"])
        }).pipe(Effect.provide(Layer.fresh(here)))
      })
    )

    it.effect("processes what was told while no node was there", () =>
      Effect.gen(function* () {
        const options = { namespace: "nobody_home", actors }
        yield* Actors.use((all) => Effect.forEach([1, 2, 3], (n) => all.tell(CounterProtocol, "a", "Add", { n }))).pipe(
          Effect.provide(client(options))
        )
        const count = yield* Actors.use((all) => all.ask(CounterProtocol, "a", "Get", {})).pipe(
          Effect.provide(system(options))
        )
        assert.strictEqual(count, 6)
      })
    )
  })
})
