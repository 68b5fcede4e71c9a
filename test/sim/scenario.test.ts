import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Actor, Actors, define, persist } from "../../runtime/index.ts"
import { type Breach, type MakeScenario, runWorld } from "../../sim/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"

const TELLS = 10

/** Tells a counter ten times, and demands that the counts come to as much. */
const telling =
  (actor: Actor): MakeScenario =>
  ({ random }) => ({
    actors: [actor],
    effectless: ["counter.Get"],
    clients: [
      Effect.gen(function* () {
        const actors = yield* Actors
        for (let index = 0; index < TELLS; index++) {
          yield* Effect.orDie(actors.tell(CounterProtocol, random.pick(["a", "b"]), "Add", { n: 1 }))
          yield* Effect.sleep(1_000)
        }
      })
    ],
    verdict: (history) => {
      const counts = Array.from(history.lives, ({ state }) => Schema.decodeUnknownSync(State)(state).count)
      const sum = counts.reduce((total, count) => total + count, 0)
      return sum === TELLS ? [] : [{ law: "every tell counts", detail: `${sum} of ${TELLS}` }]
    }
  })

const State = Schema.Struct({ count: Schema.Int })

/** What is broken in some runs in which nodes crash and stand still: these faults lose no tell of a client. */
const breachesOf = (actor: Actor, runs: number): ReadonlyArray<Breach> =>
  Array.from({ length: runs }, (_, seed) =>
    runWorld({ seed, scenario: telling(actor), faults: new Set(["crash", "leave"]) })
  ).flatMap(({ breaches }) => breaches)

describe("somebody's own actors and laws", () => {
  it("are held against what is stored, and a sound actor passes", () => {
    assert.deepStrictEqual(breachesOf(counter, 40), [])
  })

  it("show a verdict that does not hold", () => {
    const double: Actor = define({
      protocol: CounterProtocol,
      state: State,
      initial: () => ({ count: 0 }),
      events: { Added: { n: Schema.Int } },
      decide: { Add: (_, { n }) => [persist({ _tag: "Added", n })], Get: () => [] },
      evolve: { Added: (state, { n }) => ({ count: state.count + 2 * n }) }
    })
    const [breach] = breachesOf(double, 1)
    assert.deepStrictEqual(breach, { law: "every tell counts", detail: "20 of 10" })
  })

  it("show an actor whose state does not follow from its events alone", () => {
    let evolved = 0
    const impure: Actor = define({
      protocol: CounterProtocol,
      state: State,
      initial: () => ({ count: 0 }),
      events: { Added: { n: Schema.Int } },
      decide: { Add: (_, { n }) => [persist({ _tag: "Added", n })], Get: () => [] },
      evolve: { Added: () => ({ count: ++evolved }) }
    })
    const [breach] = breachesOf(impure, 1)
    assert.strictEqual(breach?.law, "state is what folding the journal gives")
  })
})
