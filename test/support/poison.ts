import { Schema } from "effect"
import { define, persist, reply } from "../../runtime/index.ts"

/** Does what it is told, also what ends its process or never ends. */
export const PoisonProtocol = {
  type: "poison",
  messages: { Do: { payload: Schema.Struct({ what: Schema.Literals(["add", "exit", "loop"]) }), reply: Schema.Int } }
} as const

export const poison = define({
  protocol: PoisonProtocol,
  state: Schema.Struct({ sum: Schema.Int }),
  initial: () => ({ sum: 0 }),
  events: { Added: {} },
  decide: {
    Do: ({ sum }, { what }) => {
      if (what === "exit") process.exit(3)
      for (; what === "loop"; );
      return [persist({ _tag: "Added" }), reply(sum + 1)]
    }
  },
  evolve: { Added: ({ sum }) => ({ sum: sum + 1 }) }
})
