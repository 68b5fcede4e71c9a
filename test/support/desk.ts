import { Effect, Schema } from "effect"
import {
  type ActivityContext,
  activity,
  cancelActivity,
  cancelTimer,
  define,
  persist,
  publish,
  reply,
  send,
  setTimer,
  start
} from "../../runtime/index.ts"

const Entry = Schema.Struct({ text: Schema.String })

/**
 * Writes down what happens to it: an actor that uses everything a step can hold.
 *
 * `work` outcomes and timers end up in its notes, as do messages.
 */
export const DeskProtocol = {
  type: "desk",
  messages: {
    Note: { payload: Entry, reply: Schema.Int },
    Read: { payload: Schema.Struct({}), reply: Schema.Array(Schema.String) },
    Pass: { payload: Schema.Struct({ to: Schema.String, text: Schema.String }) },
    Announce: { payload: Entry },
    Remind: { payload: Schema.Struct({ name: Schema.String, at: Schema.Int }) },
    Forget: { payload: Schema.Struct({ name: Schema.String }), reply: Schema.Boolean },
    Reminded: { payload: Schema.Struct({ name: Schema.String }) },
    Work: { payload: Schema.Struct({ key: Schema.String, task: Schema.String }) },
    StopWork: { payload: Schema.Struct({ key: Schema.String }) },
    Break: { payload: Schema.Struct({}), reply: Schema.Int },
    Bloat: { payload: Schema.Struct({ bytes: Schema.Int }), reply: Schema.Int }
  }
} as const

export const announcement = { type: "announcement", data: Entry }

const note = (text: string) => persist({ _tag: "Noted" as const, text })

/** A desk whose work is done by `run`, which gets the task and the number of the try. */
export const desk = (
  run: (task: string, attempt: number, context: ActivityContext) => Effect.Effect<string, unknown>
) =>
  define({
    protocol: DeskProtocol,
    state: Schema.Struct({ notes: Schema.Array(Schema.String) }),
    initial: () => ({ notes: [] }),
    events: { Noted: { text: Schema.String } },
    snapshotEvery: 10,
    activities: {
      work: activity({
        input: Schema.String,
        output: Schema.String,
        timeout: "500 millis",
        run: (task, context) => run(task, context.attempt, context)
      })
    },
    decide: {
      Note: (state, { text }) => [note(text), reply(state.notes.length + 1)],
      Read: (state) => [reply(state.notes)],
      Pass: (_, { to, text }, context) => [
        note(`passed ${text}`),
        send(DeskProtocol, to, "Note", { text: `${text} from ${context.self.id}` })
      ],
      Announce: (_, { text }) => [note(text), publish(announcement, `said.${text}`, { text })],
      Remind: (_, { name, at }) => [setTimer(name, at, "Reminded", { name })],
      Forget: (_, { name }) => [cancelTimer(name), reply(true)],
      Reminded: (_, { name }) => [note(`reminded of ${name}`)],
      Work: (_, { key, task }) => [start("work", key, task)],
      StopWork: (_, { key }) => [cancelActivity(key)],
      Break: () => {
        throw new Error("it broke")
      },
      Bloat: (_, { bytes }) => [note("x".repeat(bytes)), reply(bytes)]
    },
    completed: {
      work: (_, outcome) => [
        note(
          outcome._tag === "Succeeded"
            ? `${outcome.key} gave ${outcome.value}`
            : `${outcome.key} failed: ${outcome.reason}`
        )
      ]
    },
    evolve: { Noted: (state, { text }) => ({ ...state, notes: [...state.notes, text] }) }
  })

/** A desk that does its work at once. */
export const plainDesk = desk((task) => Effect.succeed(task.toUpperCase()))
