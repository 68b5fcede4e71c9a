import { Schema } from "effect"
import { type Compiled, compile } from "../../runtime/engine/step/compiled.ts"
import { define, persist, reply, restart } from "../../runtime/index.ts"

const Numbered = Schema.Struct({ n: Schema.Int })
const Seen = Schema.Struct({ seen: Schema.Array(Schema.Int) })
export const decodeSeen = Schema.decodeUnknownSync(Seen)

/** What can be told: something with an effect, a question, something that fails at first, or always. */
export type Kind = "Add" | "Read" | "Flaky" | "Poison"

/** Sees numbers, one of its type at a time. Those in `flaky` fail the first time. */
export const makeModel = (flaky: Set<number>): Compiled =>
  compile(
    define({
      protocol: {
        type: "model",
        messages: {
          Add: { payload: Numbered },
          Read: { payload: Numbered, reply: Schema.Int },
          Flaky: { payload: Numbered },
          Poison: { payload: Numbered }
        }
      },
      limits: { concurrency: 1 },
      supervision: { decide: restart({ attempts: 3, backoff: "1 second" }) },
      state: Seen,
      initial: () => ({ seen: [] }),
      events: { Added: { n: Schema.Int } },
      decide: {
        Add: (_, { n }) => [persist({ _tag: "Added", n })],
        Read: ({ seen }) => [reply(seen.length)],
        Flaky: (_, { n }) => {
          if (flaky.delete(n)) throw new Error("not yet")
          return [persist({ _tag: "Added", n })]
        },
        Poison: () => {
          throw new Error("never")
        }
      },
      evolve: { Added: ({ seen }, { n }) => ({ seen: [...seen, n] }) }
    })
  )
