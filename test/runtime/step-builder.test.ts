// What a handler is given to add its step to.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, SchemaTransformation } from "effect"
import { emptyActor } from "../../runtime/engine/step/actor-state.ts"
import { compile } from "../../runtime/engine/step/compiled.ts"
import { decideMail } from "../../runtime/engine/step/decide.ts"
import {
  type ActorStepBuilder,
  activity,
  cancelTimer,
  define,
  omitUndefined,
  persist,
  publish,
  reply,
  send,
  setTimer,
  start
} from "../../runtime/index.ts"

const limits = { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 }

/** Whole cents are stored, whatever was said. */
const Cents = Schema.Finite.pipe(
  Schema.decodeTo(Schema.Finite, SchemaTransformation.transform({ decode: (n: number) => n, encode: Math.round }))
)
const protocol = {
  type: "till",
  messages: {
    Pay: { payload: Schema.Struct({ cents: Schema.Finite }), reply: Schema.Finite },
    Close: { payload: Schema.Struct({}) }
  }
} as const
const state = Schema.Struct({ cents: Schema.Finite, paid: Schema.Int })
const events = { Paid: { cents: Cents }, Broken: { why: Schema.optionalKey(Schema.String) } }
const told = { type: "told", data: Schema.Struct({ cents: Schema.Finite }) }
const count = activity({ input: Schema.Int, output: Schema.Int, timeout: 1_000, run: Effect.succeed })

type TillStep = ActorStepBuilder<
  typeof protocol,
  typeof state.Type,
  typeof events,
  "Pay",
  { readonly count: typeof count }
>
type Pay = (before: typeof state.Type, payload: { readonly cents: number }, step: TillStep) => void

const common = {
  ...{ protocol, state, events, initial: () => ({ cents: 0, paid: 0 }), activities: { count } },
  completed: { count: () => [] },
  evolve: {
    Paid: (before: typeof state.Type, { cents }: { readonly cents: number }) => ({
      cents: before.cents + cents,
      paid: before.paid + 1
    }),
    Broken: () => {
      throw new Error("it cannot be taken in")
    }
  }
}

const till = (Pay: Pay) => compile(define({ ...common, decide: { Pay, Close: () => [] } }))

const decide = (compiled: ReturnType<typeof till>) => {
  const to = { type: "till", id: "a" }
  const payload = { kind: "message", message: "Pay", body: { cents: 10.4 }, id: "i", reply: "inbox", correlation: "c" }
  const mail = { to, shard: "any.0", sequence: 7, time: 70, payload: JSON.stringify(payload) }
  return decideMail(compiled, emptyActor(compiled, to), mail, limits)
}

/** As it was decided. */
const committed = (pay: Pay) => {
  const decision = decide(till(pay))
  return decision.kind === "commit" ? decision : assert.fail(JSON.stringify(decision))
}

const failure = (pay: Pay) => {
  const decision = decide(till(pay))
  return decision.kind === "failed" ? decision.failure : assert.fail(JSON.stringify(decision))
}

describe("a step that is added to", () => {
  it("reads the state after each event as the journal gives it", () => {
    const seen: Array<unknown> = []
    const { state: after } = committed((before, { cents }, step) => {
      seen.push(step.state, step.persist("Paid", { cents }), step.state, step.persist("Paid", { cents: cents + 1 }))
      assert.deepStrictEqual(before, { cents: 0, paid: 0 })
    })
    const once = { cents: 10, paid: 1 }
    assert.deepStrictEqual(seen, [{ cents: 0, paid: 0 }, once, once, { cents: 21, paid: 2 }])
    assert.deepStrictEqual(after, { cents: 21, paid: 2 })
  })

  it("stores and sends to the byte what the same operations as a list do, in the same order", () => {
    const timer = setTimer("close", 100, "Close", {})
    const rest = [send(protocol, "b", "Close", {}), publish(told, "a.b", { cents: 1 }), cancelTimer("old")] as const
    const added = committed((_, { cents }, step) => {
      step.persist("Paid", { cents })
      step.add(timer, ...rest)
      const next = step.persist("Paid", { cents })
      step.add(start("count", "k", 3))
      step.reply(next.cents)
    })
    const asList = define({
      ...common,
      decide: {
        Close: () => [],
        Pay: (_, { cents }) => [
          persist({ _tag: "Paid", cents }),
          timer,
          ...rest,
          persist({ _tag: "Paid", cents }),
          start("count", "k", 3),
          reply(20)
        ]
      }
    })
    assert.deepStrictEqual(added, decide(compile(asList)))
    assert.include(added.text, '"events":[{"_tag":"Paid","data":{"cents":10}},{"_tag":"Paid","data":{"cents":10}}]')
  })

  it("takes what is returned after what was added", () => {
    const mixed = define({
      ...common,
      decide: {
        Close: () => [],
        Pay: (_, { cents }, step) => {
          step.persist("Paid", { cents })
          return [reply(step.state.cents)]
        }
      }
    })
    const decision = decide(compile(mixed))
    assert.include(JSON.stringify(decision), '\\"outcome\\":\\"ok\\",\\"body\\":10')
  })

  it("does nothing of it where the decision throws, and says in which part", () => {
    const broken = failure((_, { cents }, step) => {
      step.persist("Paid", { cents })
      throw new Error("it broke")
    })
    assert.deepInclude(broken, { failure: "decide", message: "it broke" })
    assert.deepInclude(
      failure((_, __, step) => void step.persist("Broken", {})),
      { failure: "evolve", message: "it cannot be taken in" }
    )
    const misfit = failure((_, __, step) => void step.persist("Paid", Object({ cents: "many" })))
    assert.strictEqual(misfit.failure, "decide")
    assert.include(misfit.message, '["cents"]')
  })

  it("is over with the decision", () => {
    let kept: TillStep | undefined
    const before = JSON.stringify(
      committed((_, { cents }, step) => {
        kept = step
        step.persist("Paid", { cents })
      })
    )
    assert.throws(() => kept?.persist("Paid", { cents: 1 }), "nothing can be added to its step any more")
    assert.throws(() => kept?.add(cancelTimer("t")), "nothing can be added")
    assert.throws(() => kept?.state, "nothing can be added")
    assert.strictEqual(before, JSON.stringify(committed((_, { cents }, step) => void step.persist("Paid", { cents }))))
  })
})

describe("an object without what is undefined", () => {
  it("has the other members in their order, also null and false", () => {
    const text = JSON.stringify(omitUndefined({ c: 1, b: undefined, a: null, d: false, e: "" }))
    assert.strictEqual(text, '{"c":1,"a":null,"d":false,"e":""}')
    assert.notProperty(omitUndefined({ b: undefined }), "b")
  })
})
