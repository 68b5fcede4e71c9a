import { Schema } from "effect"
import {
  define,
  FailureReport,
  persist,
  reply,
  type Supervision,
  send,
  setTimer,
  stop,
  unwatch,
  watch
} from "../../runtime/index.ts"

const Nothing = Schema.Struct({})

/** Fails when it is told to, and in the part it is told to. */
export const FragileProtocol = {
  type: "fragile",
  messages: {
    Add: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int },
    Fail: { payload: Schema.Struct({ times: Schema.Int }), reply: Schema.Int },
    Spoil: { payload: Nothing, reply: Schema.Int },
    Remind: { payload: Schema.Struct({ at: Schema.Int }), reply: Schema.Int },
    Stop: { payload: Nothing, reply: Schema.Int }
  }
} as const

/** Hears of what failed and of who is gone. */
export const WatchmanProtocol = {
  type: "watchman",
  messages: {
    Failed: { payload: FailureReport },
    Watch: { payload: Schema.Struct({ id: Schema.String }), reply: Schema.Int },
    Unwatch: { payload: Schema.Struct({ id: Schema.String }), reply: Schema.Int },
    Gone: { payload: Schema.Struct({ id: Schema.String }) },
    Read: { payload: Nothing, reply: Schema.Array(Schema.String) }
  }
} as const

export const watchman = define({
  protocol: WatchmanProtocol,
  state: Schema.Struct({ heard: Schema.Array(Schema.String) }),
  initial: () => ({ heard: [] }),
  events: { Heard: { text: Schema.String } },
  decide: {
    Failed: (_, { actor, message, failure, attempts }) => [
      persist({ _tag: "Heard", text: `${actor} ${message} ${failure} ${attempts}` })
    ],
    Watch: (_, { id }) => [watch(FragileProtocol, id, "Gone", { id }), reply(1)],
    Unwatch: (_, { id }) => [unwatch(FragileProtocol, id), reply(1)],
    Gone: (_, { id }, { from }) => [persist({ _tag: "Heard", text: `gone ${id} (${from})` })],
    Read: ({ heard }) => [reply(heard)]
  },
  evolve: { Heard: ({ heard }, { text }) => ({ heard: [...heard, text] }) }
})

/** How often `Fail` has failed, by process: what a decision must not depend on, and a passing trouble does. */
export const fragileWith = (supervision: Supervision) => {
  let failed = 0
  return define({
    protocol: FragileProtocol,
    state: Schema.Struct({ count: Schema.Int }),
    initial: () => ({ count: 0 }),
    events: { Added: { n: Schema.Int }, Spoiled: {} },
    supervision: {
      supervisor: (_, report) => send(WatchmanProtocol, "w", "Failed", report),
      ...supervision
    },
    decide: {
      Add: ({ count }, { n }) => [persist({ _tag: "Added", n }), reply(count + n)],
      Fail: ({ count }, { times }) => {
        if (failed++ < times) throw new Error(`failed ${failed}`)
        return [persist({ _tag: "Added", n: 1 }), reply(count + 1)]
      },
      Spoil: () => [persist({ _tag: "Spoiled" }), reply(0)],
      Remind: (_, { at }) => [setTimer("later", at, "Add", { n: 100 }), reply(0)],
      Stop: ({ count }) => [persist({ _tag: "Added", n: 0 }), reply(count), stop]
    },
    evolve: {
      Added: ({ count }, { n }) => ({ count: count + n }),
      Spoiled: () => {
        throw new Error("cannot be")
      }
    }
  })
}
