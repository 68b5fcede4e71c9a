import { Effect, Schema } from "effect"
import { type Actor, activity, cancelActivity, define, persist, publish, reply, start } from "../../runtime/index.ts"

const Task = Schema.Struct({ key: Schema.String, millis: Schema.Int, characters: Schema.Int })
const Key = Schema.Struct({ key: Schema.String })
const Said = Schema.Struct({ key: Schema.String, by: Schema.Int, what: Schema.String })

/** What errands say while they are run, and their actor when they are done, under `errand.<id>`. */
export const said = { type: "errand", data: Said }

export const ErrandProtocol = {
  type: "errand",
  messages: {
    Run: { payload: Task, reply: Schema.Int },
    Cancel: { payload: Key, reply: Schema.Int },
    Read: { payload: Schema.Struct({}), reply: Schema.Array(Schema.String) }
  }
} as const

/** Runs errands that take a while, and notes how they ended. `by` says where they run. */
export const errand = (by: number, concurrency?: number): Actor =>
  define({
    protocol: ErrandProtocol,
    state: Schema.Struct({ notes: Schema.Array(Schema.String) }),
    initial: () => ({ notes: [] }),
    events: { Noted: { text: Schema.String } },
    activities: {
      run: activity({
        input: Task,
        output: Schema.String,
        timeout: "20 seconds",
        ...(concurrency !== undefined && { concurrency }),
        run: ({ key, millis, characters }, { self, publish: say }) =>
          say(said, `errand.${self.id}`, { key, by, what: "started" }).pipe(
            Effect.andThen(Effect.sleep(millis)),
            Effect.andThen(say(said, `errand.${self.id}`, { key, by, what: "ran" })),
            Effect.as("x".repeat(characters)),
            Effect.onInterrupt(() => Effect.ignore(say(said, `errand.${self.id}`, { key, by, what: "interrupted" })))
          )
      })
    },
    decide: {
      Run: ({ notes }, task) => [start("run", task.key, task), reply(notes.length)],
      Cancel: ({ notes }, { key }) => [cancelActivity(key), reply(notes.length)],
      Read: ({ notes }) => [reply(notes)]
    },
    completed: {
      run: (_, outcome, { self }) => {
        const ended = outcome._tag === "Succeeded" ? `${outcome.value.length}` : `${outcome.reason} ${outcome.detail}`
        const text = `${outcome.key} ${ended}`
        return [
          persist({ _tag: "Noted", text }),
          publish(said, `errand.${self.id}`, { key: outcome.key, by, what: "taken" })
        ]
      }
    },
    evolve: { Noted: ({ notes }, { text }) => ({ notes: [...notes, text] }) }
  })
