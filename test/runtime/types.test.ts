import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import {
  type Actors,
  activity,
  cancelActivity,
  define,
  persist,
  reply,
  send,
  setTimer,
  start,
  stop,
  unwatch,
  watch
} from "../../runtime/index.ts"
import { CounterProtocol } from "../support/counter.ts"

// What must not compile: the type check of `npm test` fails where one of these expectations does not hold.
const misuse = (actors: Actors["Service"]): ReadonlyArray<unknown> => [
  // @ts-expect-error the payload's field has another type
  actors.tell(CounterProtocol, "a", "Add", { n: "1" }),
  // @ts-expect-error the payload has no such field
  actors.tell(CounterProtocol, "a", "Add", { n: 1, m: 2 }),
  // @ts-expect-error the protocol has no such message
  actors.tell(CounterProtocol, "a", "Remove", { n: 1 }),
  // @ts-expect-error the answer is a number
  actors.ask(CounterProtocol, "a", "Get", {}) satisfies Effect.Effect<string, unknown>,
  actors.ref(CounterProtocol, "a").ask("Add", { n: 1 }) satisfies Effect.Effect<number, unknown>,
  // @ts-expect-error the payload's field has another type
  actors.ref(CounterProtocol, "a").tell("Add", { n: "1" }),
  // @ts-expect-error the protocol has no such message
  actors.ref(CounterProtocol, "a").ask("Remove", { n: 1 }),
  // @ts-expect-error the message has no answer
  actors.ref(SilentProtocol, "a").ask("Hush", {}),
  // @ts-expect-error the message has no answer
  actors.ask(SilentProtocol, "a", "Hush", {})
]

const SilentProtocol = { type: "silent", messages: { Hush: { payload: Schema.Struct({}) } } } as const

const protocol = { type: "lamp", messages: { Switch: { payload: Schema.Struct({}), reply: Schema.Boolean } } } as const
const common = { protocol, state: Schema.Boolean, initial: () => false, events: { Switched: { on: Schema.Boolean } } }

const lamps = [
  define({
    ...common,
    decide: {
      Switch: (_, __, step) => {
        step.reply(step.persist("Switched", { on: true }))
        // @ts-expect-error the reply is a boolean
        step.reply("on")
        // @ts-expect-error there is no such event
        step.persist("Broken", {})
        // @ts-expect-error the event's field has another type
        step.persist("Switched", { on: "yes" })
        // @ts-expect-error the message is refused with nothing
        step.refuse("no")
        // @ts-expect-error the actor has no such message of its own
        step.add(setTimer("t", 1, "Smash", {}))
      }
    },
    evolve: { Switched: (_, { on }) => on }
  }),
  define({
    ...common,
    // @ts-expect-error a handler gives back operations, or nothing
    decide: { Switch: (_, __, step) => step.persist("Switched", { on: true }) },
    evolve: { Switched: (_, { on }) => on }
  }),
  define({
    ...common,
    decide: { Switch: (on) => [persist({ _tag: "Switched", on: !on }), reply(!on)] },
    evolve: { Switched: (_, { on }) => on }
  }),
  define({
    ...common,
    // @ts-expect-error the reply is a boolean
    decide: { Switch: () => [reply("on")] },
    evolve: { Switched: (_, { on }) => on }
  }),
  define({
    ...common,
    // @ts-expect-error there is no such event
    decide: { Switch: () => [persist({ _tag: "Broken" })] },
    evolve: { Switched: (_, { on }) => on }
  }),
  define({
    ...common,
    decide: { Switch: (on) => [reply(on)] },
    // @ts-expect-error every event must be evolved
    evolve: {}
  }),
  define({
    ...common,
    // @ts-expect-error every message must be decided
    decide: {},
    evolve: { Switched: (_, { on }) => on }
  })
]

const working = {
  ...common,
  activities: {
    light: activity({
      input: Schema.Int,
      output: Schema.String,
      timeout: "1 second",
      run: (n) => Effect.succeed(`${n}`)
    })
  },
  completed: { light: () => [] },
  evolve: { Switched: (on: boolean) => on }
}

const workers = [
  define({
    ...working,
    decide: {
      Switch: () => [
        start("light", "k", 1),
        cancelActivity("k"),
        setTimer("t", 1, "Switch", {}),
        watch(CounterProtocol, "a", "Switch", {}),
        unwatch(CounterProtocol, "a"),
        send(CounterProtocol, "a", "Add", { n: 1 }),
        stop
      ]
    }
  }),
  // @ts-expect-error the activity takes a number
  define({ ...working, decide: { Switch: () => [start("light", "k", "1")] } }),
  // @ts-expect-error there is no such activity
  define({ ...working, decide: { Switch: () => [start("heat", "k", 1)] } }),
  // @ts-expect-error it has no such message of its own
  define({ ...working, decide: { Switch: () => [setTimer("t", 1, "Ring", {})] } }),
  // @ts-expect-error it has no such message of its own
  define({ ...working, decide: { Switch: () => [watch(CounterProtocol, "a", "Gone", {})] } }),
  // @ts-expect-error the outcome of every activity must be decided on
  define({ ...working, completed: {}, decide: { Switch: () => [] } }),
  // @ts-expect-error the counter has no such message
  define({ ...working, decide: { Switch: () => [send(CounterProtocol, "a", "Remove", { n: 1 })] } }),
  // @ts-expect-error the payload's field has another type
  define({ ...working, decide: { Switch: () => [send(CounterProtocol, "a", "Add", { n: "1" })] } })
]

it("wrong messages, replies, events and activities do not compile", () => {
  assert.isFunction(misuse)
  assert.strictEqual(lamps.length, 7)
  assert.strictEqual(workers.length, 8)
})
