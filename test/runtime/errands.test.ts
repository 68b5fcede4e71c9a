import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { ActorLog, Actors, activity, define, Operators, persist, reply, start } from "../../runtime/index.ts"
import { ErrandProtocol, errand, said } from "../support/errand.ts"
import { NatsServer } from "../support/nats.ts"
import { eventually, operated, startNode } from "../support/nodes.ts"

const soon = { timeout: "8 seconds" } as const
const decodeSaid = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ data: said.data })))

const run = (id: string, key: string, millis = 200, characters = 3) =>
  Actors.use((all) => all.ask(ErrandProtocol, id, "Run", { key, millis, characters }, soon))
const cancel = (id: string, key: string) => Actors.use((all) => all.ask(ErrandProtocol, id, "Cancel", { key }, soon))
const notes = (id: string) => Actors.use((all) => all.ask(ErrandProtocol, id, "Read", {}, soon))

/** What errands say, as `key what`. */
const listening = Effect.gen(function* () {
  const heard: Array<string> = []
  const hear = (payload: string) => {
    const { key, what } = decodeSaid(payload).data
    heard.push(`${key} ${what}`)
  }
  yield* ActorLog.use((log) => log.watch("errand.*", ({ payload }) => hear(payload)))
  return heard
})

layer(NatsServer.layer, { excludeTestServices: true })("an activity", (it) => {
  it.effect("can be heard while it runs, and its actor answers meanwhile", () =>
    Effect.gen(function* () {
      const heard = yield* listening
      yield* startNode("one", [errand(1)])
      yield* run("a", "k", 400)
      yield* eventually(
        Effect.sync(() => heard.length),
        (count) => count > 0
      )
      assert.deepStrictEqual(yield* notes("a"), [])
      assert.deepStrictEqual(heard, ["k started"])
      yield* eventually(notes("a"), (texts) => texts.length > 0)
      yield* eventually(
        Effect.sync(() => heard.length),
        (count) => count === 3
      )
      assert.deepStrictEqual(heard, ["k started", "k ran", "k taken"])
    }).pipe(Effect.scoped, Effect.provide(operated("progress")))
  )

  it.effect("that is cancelled while it waits for its turn or runs takes no place any more", () =>
    Effect.gen(function* () {
      const heard = yield* listening
      yield* startNode("one", [errand(1, 1)])
      yield* run("a", "runs", 15_000)
      yield* eventually(
        Effect.sync(() => heard.length),
        (count) => count === 1
      )
      yield* run("b", "waits", 15_000)
      yield* run("c", "next", 100)
      yield* cancel("b", "waits")
      yield* cancel("a", "runs")
      yield* eventually(notes("c"), (texts) => texts.length > 0)
      assert.deepStrictEqual(yield* notes("c"), ["next 3"])
      assert.notInclude(heard, "waits started")
      assert.deepStrictEqual([...(yield* notes("a")), ...(yield* notes("b"))], [])
    }).pipe(Effect.scoped, Effect.provide(operated("cancelled")))
  )

  it.effect("waits for its turn where its node runs as many as it may, whatever they are called", () =>
    Effect.gen(function* () {
      yield* startNode("one", [errand(1)], 2)
      const before = yield* Clock.currentTimeMillis
      const ids = ["a", "b", "c", "d", "e", "f"]
      yield* Effect.forEach(ids, (id) => run(id, "k", 300), { concurrency: 6 })
      yield* Effect.forEach(ids, (id) => eventually(notes(id), (texts) => texts.length > 0), { concurrency: 6 })
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 850)
    }).pipe(Effect.scoped, Effect.provide(operated("permits")))
  )

  it.effect("that is started anew under its key is replaced, and only the later one counts", () =>
    Effect.gen(function* () {
      const heard = yield* listening
      yield* startNode("one", [errand(1)])
      yield* run("a", "k", 400, 1)
      yield* run("a", "k", 200, 2)
      yield* eventually(notes("a"), (texts) => texts.length > 0)
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(yield* notes("a"), ["k 2"])
      assert.strictEqual(heard.filter((text) => text === "k ran").length, 1)
    }).pipe(Effect.scoped, Effect.provide(operated("replaced")))
  )

  it.effect("whose outcome is too large fails and says so", () =>
    Effect.gen(function* () {
      yield* startNode("one", [errand(1)])
      yield* run("a", "k", 10, 2_000_000)
      const [text] = yield* eventually(notes("a"), (texts) => texts.length > 0)
      assert.match(text ?? "", /^k failure .*2\d{6}.* bytes.*limit/)
      assert.strictEqual(yield* run("a", "l", 10), 1, "the actor goes on")
    }).pipe(Effect.scoped, Effect.provide(operated("large")))
  )
})

const ClerkProtocol = {
  type: "clerk",
  messages: {
    Start: { payload: Schema.Struct({ task: Schema.String, millis: Schema.Int }), reply: Schema.Int },
    Read: { payload: Schema.Struct({}), reply: Schema.Array(Schema.String) }
  }
} as const

/** Takes the outcomes of one activity, always under the same key, and fails on those in `broken`. */
const clerk = (broken: ReadonlySet<string>) =>
  define({
    protocol: ClerkProtocol,
    state: Schema.Struct({ notes: Schema.Array(Schema.String) }),
    initial: () => ({ notes: [] }),
    events: { Noted: { text: Schema.String } },
    activities: {
      work: activity({
        input: Schema.Struct({ task: Schema.String, millis: Schema.Int }),
        output: Schema.String,
        timeout: "10 seconds",
        run: ({ task, millis }) => Effect.as(Effect.sleep(millis), task)
      })
    },
    decide: {
      Start: ({ notes }, task) => [start("work", "k", task), reply(notes.length)],
      Read: ({ notes }) => [reply(notes)]
    },
    completed: {
      work: (_, outcome) => {
        const text = outcome._tag === "Succeeded" ? outcome.value : outcome.detail
        if (broken.has(text)) throw new Error(`cannot take ${text}`)
        return [persist({ _tag: "Noted", text })]
      }
    },
    evolve: { Noted: ({ notes }, { text }) => ({ notes: [...notes, text] }) }
  })

layer(NatsServer.layer, { excludeTestServices: true })("the outcome of an activity that was parked", (it) => {
  it.effect("counts once when it is retried, and does not end another one that began meanwhile", () => {
    const broken = new Set(["first"])
    return Effect.gen(function* () {
      const all = yield* Actors
      const operators = yield* Operators
      const begin = (task: string, millis: number) => all.ask(ClerkProtocol, "a", "Start", { task, millis }, soon)
      const texts = all.ask(ClerkProtocol, "a", "Read", {}, soon)
      const node = yield* startNode("one", [clerk(broken)])
      yield* begin("first", 10)
      const [letter] = yield* eventually(operators.letters({}, 0, 10), (letters) => letters.length === 1)
      assert.strictEqual(letter?.message, "work")
      yield* node.stop
      // A new version that was mended.
      yield* startNode("two", [clerk(new Set())])
      yield* begin("second", 1_000)
      yield* operators.retry(letter!.sequence)
      yield* eventually(texts, (all) => all.length === 1)
      const log = yield* ActorLog
      // The same once more, as where a retry fails half way and is tried again much later.
      const { to, payload } = (yield* log.readMail({ type: "clerk", id: "a" }, 0, 100)).findLast(({ payload }) =>
        payload.includes('"retried":true')
      )!
      yield* log.append([{ kind: "mail", to, payload }])
      assert.deepStrictEqual(yield* eventually(texts, (all) => all.length === 2), ["first", "second"])
      yield* Effect.sleep("200 millis")
      assert.deepStrictEqual(yield* texts, ["first", "second"])
    }).pipe(Effect.scoped, Effect.provide(operated("retried")))
  })
})
