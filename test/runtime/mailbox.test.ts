import { assert, describe, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Clock, Effect } from "effect"
import { ActorLog, Actors } from "../../runtime/index.ts"
import { DeskProtocol, desk } from "../support/desk.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

// What can lie in a mailbox although no caller of ours would put it there now: firings and outcomes that were overtaken,
// messages that were sent twice, and things that are no messages at all.

const actors = [desk(() => Effect.never)]

/** Puts something into desk/a's mailbox as it is. */
const put = (payload: unknown) =>
  ActorLog.use((log) =>
    log.append([
      {
        kind: "mail",
        to: { type: "desk", id: "a" },
        payload: typeof payload === "string" ? payload : JSON.stringify(payload)
      }
    ])
  )

const firing = (name: string, generation: number) => ({
  kind: "timer",
  name,
  generation,
  message: "Reminded",
  body: { name },
  correlation: "c"
})

const outcome = (key: string, generation: number, value: string) => ({
  kind: "outcome",
  activity: "work",
  key,
  generation,
  result: { _tag: "Succeeded", value },
  correlation: "c"
})

const tellDesk = (
  message: "Remind" | "Forget" | "Work",
  payload: { name: string; at: number; key: string; task: string }
) =>
  Actors.use((all) =>
    message === "Remind"
      ? all.tell(DeskProtocol, "a", "Remind", payload)
      : message === "Forget"
        ? all.tell(DeskProtocol, "a", "Forget", payload)
        : all.tell(DeskProtocol, "a", "Work", payload)
  )

const notes = Actors.use((all) => all.ask(DeskProtocol, "a", "Read", {}))

const inAnHour = Effect.map(Clock.currentTimeMillis, (now) => now + 3_600_000)

/** The sequence of the newest message of a subject, from the stream itself. */
const lastSequence = (stream: string, subject: string) =>
  Effect.flatMap(NatsServer, ({ url }) =>
    Effect.acquireUseRelease(
      Effect.promise(() => connect({ servers: url })),
      (connection) =>
        Effect.promise(async () => {
          const { direct } = await jetstreamManager(connection)
          return (await direct.getMessage(stream, { last_by_subj: subject }))?.seq
        }),
      (connection) => Effect.promise(() => connection.close())
    )
  )

layer(NatsServer.layer, { excludeTestServices: true })("a mailbox", (it) => {
  describe("holding a timer's firing", () => {
    it.effect("gives it to its actor only if that very timer is open", () =>
      Effect.gen(function* () {
        const at = yield* inAnHour
        const timer = { name: "tea", at, key: "", task: "" }
        yield* tellDesk("Remind", timer)
        yield* notes
        const { payload } = (yield* ActorLog.use((log) => log.readJournal({ type: "desk", id: "a" }))).at(-1)!
        const set = (JSON.parse(payload) as { steps: Array<{ sequence: number }> }).steps.at(-1)!.sequence

        yield* tellDesk("Remind", timer)
        yield* put(firing("tea", set))
        assert.deepStrictEqual(yield* notes, [], "it was set again since")
        yield* tellDesk("Forget", timer)
        yield* put(firing("tea", set))
        yield* put(firing("never set", set))
        assert.deepStrictEqual(yield* notes, [], "it was cancelled")
      }).pipe(Effect.provide(system({ namespace: "firings", actors })))
    )

    it.effect("has no schedule left of a timer that was cancelled", () =>
      Effect.gen(function* () {
        const at = yield* inAnHour
        const timer = { name: "tea", at, key: "", task: "" }
        yield* tellDesk("Remind", timer)
        yield* notes
        const subject = "schedules.timer.any.*.desk.a.tea"
        assert.isDefined(yield* lastSequence("SCHEDULES", subject))
        yield* tellDesk("Forget", timer)
        yield* notes
        yield* Effect.sleep("3 seconds")
        assert.isUndefined(yield* lastSequence("SCHEDULES", subject))
      }).pipe(Effect.provide(system({ namespace: "schedules", actors })))
    )
  })

  it.effect("gives an activity's outcome to its actor only if that very activity is open, and once", () =>
    Effect.gen(function* () {
      const work = { key: "k", task: "t", name: "", at: 0 }
      yield* put(outcome("k", 1, "of nothing"))
      yield* tellDesk("Work", work)
      yield* notes
      const { payload } = (yield* ActorLog.use((log) => log.readJournal({ type: "desk", id: "a" }))).at(-1)!
      const first = (JSON.parse(payload) as { steps: Array<{ sequence: number }> }).steps.at(-1)!.sequence
      yield* tellDesk("Work", work)
      yield* put(outcome("k", first, "of the replaced one"))
      assert.deepStrictEqual(yield* notes, [])
      const again = (yield* ActorLog.use((log) => log.readJournal({ type: "desk", id: "a" }))).at(-1)!
      const second = (JSON.parse(again.payload) as { steps: Array<{ sequence: number }> }).steps.at(-1)!.sequence
      yield* put(outcome("k", second, "right"))
      yield* put(outcome("k", second, "right again"))
      assert.deepStrictEqual(yield* notes, ["k gave right"])
    }).pipe(Effect.provide(system({ namespace: "outcomes", actors })))
  )

  it.effect("that holds one message id twice has it processed once, asked or told", () =>
    Effect.gen(function* () {
      const message = { kind: "message", message: "Note", body: { text: "hello" }, correlation: "c" }
      yield* put({ ...message, id: "same" })
      yield* put({ ...message, id: "same", reply: "nobody" })
      yield* put({ ...message, id: "other", reply: "nobody" })
      yield* put({ ...message, id: "other" })
      assert.deepStrictEqual(yield* notes, ["hello", "hello"])
    }).pipe(Effect.provide(system({ namespace: "ids", actors })))
  )

  it.effect("loses nothing behind what is no message", () =>
    Effect.gen(function* () {
      for (const rubbish of ["", "{", "null", '{"kind":"message"}', '{"kind":"outcome","key":1}', "[]"])
        yield* put(rubbish)
      yield* put({ kind: "message", message: "Note", body: { text: "on" }, correlation: "c" })
      yield* put({ kind: "message", message: "Note", body: { text: 1 }, correlation: "c" })
      yield* put({ kind: "message", message: "Note", body: { text: "and on" }, correlation: "c" })
      assert.deepStrictEqual(yield* notes, ["on", "and on"])
    }).pipe(Effect.provide(system({ namespace: "rubbish", actors })))
  )
})
