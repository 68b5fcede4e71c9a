import { assert } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import {
  Actors,
  activity,
  cancelActivity,
  define,
  persist,
  publish,
  reply,
  send,
  setTimer,
  start
} from "../../runtime/index.ts"
import { CounterProtocol } from "../support/counter.ts"

const Text = Schema.Struct({ text: Schema.String })
export const Protocol = {
  type: "trouble",
  messages: {
    Note: { payload: Text, reply: Schema.Int },
    Read: { payload: Schema.Struct({}), reply: Schema.Array(Schema.String) },
    Huge: { payload: Schema.Struct({ bytes: Schema.Int }), reply: Schema.String },
    SendTo: { payload: Schema.Struct({ id: Schema.String }), reply: Schema.Int },
    PublishUnder: { payload: Schema.Struct({ subject: Schema.String }), reply: Schema.Int },
    Remind: { payload: Schema.Struct({ name: Schema.String, at: Schema.Number }), reply: Schema.Int },
    RemindTwice: { payload: Schema.Struct({ first: Schema.Int, second: Schema.Int }) },
    Reminded: { payload: Text },
    Fail: { payload: Text, reply: Schema.Int },
    Run: { payload: Schema.Struct({ key: Schema.String }) },
    Stop: { payload: Schema.Struct({ key: Schema.String }) },
    Spoil: { payload: Schema.Struct({}), reply: Schema.Int }
  }
} as const

const note = (text: string) => persist({ _tag: "Noted" as const, text })
const news = { type: "news", data: Text }

/** Does what no actor should. */
export const troubleWith = (run: (id: string) => Effect.Effect<string>) =>
  define({
    protocol: Protocol,
    state: Schema.Struct({ notes: Schema.Array(Schema.String), level: Schema.Int }),
    initial: ({ id }) => {
      if (id.startsWith("unborn")) throw new Error("no such actor")
      return { notes: [], level: 0 }
    },
    events: { Noted: { text: Schema.String }, Spoiled: {} },
    snapshotEvery: 3,
    activities: {
      work: activity({
        input: Schema.Struct({}),
        output: Schema.String,
        timeout: "20 seconds",
        run: (_, context) => run(context.self.id)
      })
    },
    completed: {
      work: (_, outcome) => [note(outcome._tag === "Succeeded" ? outcome.value : outcome.reason)]
    },
    decide: {
      Note: (state, { text }) => [note(text), reply(state.notes.length + 1)],
      Read: (state) => [reply(state.notes)],
      Huge: (_, { bytes }) => [reply("x".repeat(bytes))],
      SendTo: (_, { id }) => [send(Protocol, id, "Note", { text: "sent" }), reply(1)],
      PublishUnder: (_, { subject }) => [publish(news, subject, { text: "news" }), reply(1)],
      Remind: (_, { name, at }) => [setTimer(name, at, "Reminded", { text: name }), reply(1)],
      RemindTwice: (_, { first, second }) => [
        setTimer("t", first, "Reminded", { text: "first" }),
        setTimer("t", second, "Reminded", { text: "second" })
      ],
      Reminded: (_, { text }) => [note(`reminded ${text}`)],
      Fail: (_, { text }) => {
        throw new Error(text)
      },
      Run: (_, { key }) => [start("work", key, {})],
      Stop: (_, { key }) => [cancelActivity(key)],
      Spoil: () => [persist({ _tag: "Spoiled" }), reply(1)]
    },
    evolve: {
      Noted: (state, { text }) => ({ ...state, notes: [...state.notes, text] }),
      Spoiled: (state) => ({ ...state, level: state.level + 0.5 })
    }
  })

export const soon = { timeout: "4 seconds" } as const

/** The node still does everything, for old and new actors. */
export const alive = Effect.gen(function* () {
  const all = yield* Actors
  assert.strictEqual(yield* all.ask(CounterProtocol, "alive", "Get", {}, soon), 0)
  assert.isAbove(yield* all.ask(Protocol, "bystander", "Note", { text: "here" }, soon), 0)
})

export const notesBecome = (id: string, expected: ReadonlyArray<string>) =>
  Actors.use((all) => all.ask(Protocol, id, "Read", {}, soon)).pipe(
    Effect.repeat({ until: (notes) => notes.length >= expected.length, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("6 seconds"),
    Effect.map((notes) => assert.deepStrictEqual(notes, expected))
  )
