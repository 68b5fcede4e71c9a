import { Schema } from "effect"
import { define, persist, refuse, reply } from "../../runtime/index.ts"

/** Counts, and says what it has counted: the smallest actor with a reply and a refusal. */
export const CounterProtocol = {
  type: "counter",
  messages: {
    Add: {
      payload: Schema.Struct({ n: Schema.Int }),
      reply: Schema.Int,
      error: Schema.Struct({ _tag: Schema.tag("Negative"), n: Schema.Int })
    },
    Get: { payload: Schema.Struct({}), reply: Schema.Int }
  }
} as const

/** A counter that keeps so many journal records before a snapshot replaces them. */
export const counterKeeping = (snapshotEvery: number) =>
  define({
    protocol: CounterProtocol,
    snapshotEvery,
    state: Schema.Struct({ count: Schema.Int }),
    initial: () => ({ count: 0 }),
    events: { Added: { n: Schema.Int } },
    decide: {
      Add: (state, { n }) =>
        n < 0 ? [refuse({ _tag: "Negative", n })] : [persist({ _tag: "Added", n }), reply(state.count + n)],
      Get: (state) => [reply(state.count)]
    },
    evolve: { Added: (state, { n }) => ({ ...state, count: state.count + n }) }
  })

export const counter = counterKeeping(100)
