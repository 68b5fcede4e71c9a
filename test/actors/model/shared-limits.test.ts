// The breaker and the rate of a model are those of all who ask it: what one node finds out holds for the others.
import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Effect, References, Result } from "effect"
import fc from "fast-check"
import { type CallerOptions, makeCaller } from "../../../actors/model/caller.ts"
import { admit, closedCircuit, record, TRYING_MILLIS, take } from "../../../actors/model/circuit.ts"
import { ModelError } from "../../../actors/model/errors.ts"
import { modelLimitsActor } from "../../../actors/model/limits-actor.ts"
import { sharedLimits } from "../../../actors/model/shared-limits.ts"
import { modelLimitsId } from "../../../protocols/index.ts"
import { Actors } from "../../../runtime/index.ts"
import { NatsServer } from "../../support/nats.ts"
import { operated, startNode } from "../../support/nodes.ts"

const TURN = { text: "yes", tools: [], input_tokens: 1, output_tokens: 1 }
const FAILURES = 3

/** A node's caller of a model that answers while `well`, and how often it was sent something. */
const node = Effect.fnUntraced(function* (
  model: string,
  world: { well: boolean },
  options: Partial<CallerOptions> = {}
) {
  const actors = yield* Actors
  let sent = 0
  const port = {
    ask: () =>
      Effect.suspend(() => {
        sent++
        return world.well ? Effect.succeed(TURN) : Effect.fail(new ModelError({ kind: "server_error", detail: "500" }))
      })
  }
  const limits: CallerOptions = {
    prices: {},
    attempts: 1,
    failures: FAILURES,
    pause: "1 second",
    callsPerMinute: 1_000,
    ...options
  }
  const caller = yield* makeCaller(port, limits, sharedLimits(actors))
  const question = { model, instructions: "", messages: [], tools: [], form: null }
  const call = (requested = false, within = 2_000) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      caller.ask(question, {
        ...{ key: "k", requested, deadline: now + within },
        begin: () => Effect.void,
        ended: () => Effect.void,
        breakerTurned: () => Effect.void
      })
    ).pipe(
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.map(
        ({ result, breaker }) => [Result.isFailure(result) ? result.failure.kind : "success", breaker] as const
      )
    )
  return { call, sent: () => sent }
})

layer(NatsServer.layer, { excludeTestServices: true })("the limits of a model, for all nodes", (it) => {
  it.effect("its breaker opens for all by the failures of all, and one request of one node tries it", () =>
    Effect.gen(function* () {
      yield* startNode("limits", [modelLimitsActor])
      const world = { well: false }
      const [a, b] = [yield* node("ollama:llama3.2:3b", world), yield* node("ollama:llama3.2:3b", world)]
      assert.deepStrictEqual(yield* a.call(), ["server_error", "closed"])
      assert.deepStrictEqual(yield* b.call(), ["server_error", "closed"])
      assert.deepStrictEqual(yield* a.call(), ["server_error", "open"])
      assert.deepStrictEqual(
        [yield* a.call(), yield* b.call()],
        [
          ["circuit_open", "open"],
          ["circuit_open", "open"]
        ]
      )
      assert.deepStrictEqual([a.sent(), b.sent()], [2, 1])
      yield* Effect.sleep("1100 millis")
      world.well = true
      assert.deepStrictEqual(yield* b.call(), ["success", "closed"])
      assert.deepStrictEqual(yield* a.call(), ["success", "closed"])
    }).pipe(Effect.scoped, Effect.provide(operated("limits")))
  )

  it.effect("what clients ask for opens a breaker of its own, and the market is served on", () =>
    Effect.gen(function* () {
      yield* startNode("served", [modelLimitsActor])
      const world = { well: false }
      const [a, b] = [yield* node("ollama:a", world), yield* node("ollama:a", world)]
      for (const _ of [1, 2, 3]) yield* a.call(true)
      assert.deepStrictEqual(yield* b.call(true), ["circuit_open", "open"])
      world.well = true
      assert.deepStrictEqual(
        [yield* a.call(), yield* b.call()],
        [
          ["success", "closed"],
          ["success", "closed"]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(operated("served")))
  )

  it.effect("its rate is one for all", () =>
    Effect.gen(function* () {
      yield* startNode("rate", [modelLimitsActor])
      const world = { well: true }
      const options = { callsPerMinute: 5 }
      const [a, b] = [yield* node("ollama:a", world, options), yield* node("ollama:a", world, options)]
      const calls = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? a : b).call())
      const results = yield* Effect.all(calls, { concurrency: 8 })
      assert.deepStrictEqual([a.sent() + b.sent(), results.filter(([kind]) => kind === "out_of_time").length], [5, 3])
    }).pipe(Effect.scoped, Effect.provide(operated("rate")))
  )

  it.effect("where nobody keeps them, models are asked all the same", () =>
    Effect.gen(function* () {
      const a = yield* node("ollama:a", { well: true })
      assert.deepStrictEqual(yield* a.call(false, 12_000), ["success", "closed"])
    }).pipe(Effect.scoped, Effect.provide(operated("nobody")))
  )
})

describe("what they are kept by", () => {
  it("has an id for every model that there can be", () => {
    for (const model of ["ollama:llama3.2:3b", `openai:${"x.".repeat(64)}`]) {
      assert.match(modelLimitsId(model), /^[^\s.*>]{1,128}$/)
    }
  })

  it("as a law: of a breaker that is not closed no two requests are under way, and what was admitted before it turned changes nothing", () => {
    const act = fc.record({
      wait: fc.constantFrom(0, 1, 500, 1_000, 5_000, TRYING_MILLIS),
      what: fc.constantFrom("admit", "success", "failure", "ignored")
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        let circuit = closedCircuit
        let now = 0
        const underWay: Array<number> = []
        for (const { wait, what } of acts) {
          now += wait
          if (what === "admit") {
            const admission = admit(circuit, now)
            if (admission.admitted && admission.circuit.state === "half_open") {
              const sooner = circuit.trying_until !== null && now < circuit.trying_until
              assert.isFalse(sooner, "another one tries")
            }
            if (!admission.admitted) assert.notStrictEqual(circuit.state, "closed")
            circuit = admission.circuit
            if (admission.admitted) underWay.push(circuit.generation)
            continue
          }
          const generation = underWay.shift()
          if (generation === undefined || !isOutcome(what)) continue
          const before = circuit
          circuit = record(circuit, { generation, outcome: what, failures: 3, open_ms: 1_000 }, now)
          if (generation !== before.generation) assert.strictEqual(circuit, before)
          if (circuit.state === "open" && before.state !== "open") assert.strictEqual(circuit.open_until, now + 1_000)
        }
      })
    )
  })

  it("as a law: a bucket never gives more than it holds and what came in since", () => {
    const act = fc.record({ wait: fc.nat(5_000), tokens: fc.integer({ min: 1, max: 3 }) })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), fc.integer({ min: 3, max: 20 }), (acts, limit) => {
        let bucket = take(undefined, { tokens: 1, limit, refill_ms: 1_000 }, 0).bucket
        let [now, taken] = [0, 1]
        for (const { wait, tokens } of acts) {
          now += wait
          const { bucket: after, remaining } = take(bucket, { tokens, limit, refill_ms: 1_000 }, now)
          if (remaining >= 0) {
            bucket = after
            taken += tokens
          }
          assert.isAtMost(taken, limit + now / 1_000)
        }
      })
    )
  })
})

const isOutcome = (what: string): what is "success" | "failure" | "ignored" => what !== "admit"
