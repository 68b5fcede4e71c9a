import { assert, it } from "@effect/vitest"
import type { Effect } from "effect"
import { Schema } from "effect"
import { type Actors, define, persist, reply } from "../../runtime/index.ts"
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
  actors.ask(CounterProtocol, "a", "Get", {}) satisfies Effect.Effect<string, unknown>
]

const protocol = { type: "lamp", messages: { Switch: { payload: Schema.Struct({}), reply: Schema.Boolean } } } as const
const common = { protocol, state: Schema.Boolean, initial: () => false, events: { Switched: { on: Schema.Boolean } } }

const lamps = [
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

it("wrong messages, replies and events do not compile", () => {
  assert.isFunction(misuse)
  assert.strictEqual(lamps.length, 5)
})
