// A durable actor: how often in a row the same was decided on a symbol. It remembers whatever crashes.
import { define, persist, reply } from "@conclave/runtime"
import { Schema } from "effect"

export const Decision = Schema.Literals(["BUY", "SELL", "HOLD"])
export type Decision = typeof Decision.Type

export const Streak = {
  type: "streak",
  messages: {
    /** Tells it of a decision, and asks how many there were in a row with it. */
    Saw: { payload: Schema.Struct({ decision: Decision }), reply: Schema.Int }
  }
} as const

export const streak = define({
  protocol: Streak,
  state: Schema.Struct({ last: Schema.NullOr(Decision), length: Schema.Int }),
  initial: () => ({ last: null, length: 0 }),
  events: { Continued: {}, Began: { decision: Decision } },
  decide: {
    Saw: ({ last, length }, { decision }) =>
      decision === last
        ? [persist({ _tag: "Continued" }), reply(length + 1)]
        : [persist({ _tag: "Began", decision }), reply(1)]
  },
  evolve: {
    Continued: ({ last, length }) => ({ last, length: length + 1 }),
    Began: (_, { decision }) => ({ last: decision, length: 1 })
  }
})
