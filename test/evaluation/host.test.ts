// The direct host beside the decider, which encodes everything, and beside the real runtime on a real NATS.
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import {
  AnalysisResult,
  type Bar,
  CoordinatorProtocol,
  PerformanceProtocol,
  toWindow,
  Vote
} from "../../protocols/index.ts"
import { ActorLog, Actors, cancelTimer, define, setTimer } from "../../runtime/index.ts"
import { DirectHost, type PublishedEvent, takeBars } from "../../sim/index.ts"
import { Decider } from "../support/decider.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const DAY = 86_400_000
const bars = takeBars({ seed: 5, symbol: "ACME", startTime: Date.UTC(2024, 0, 1) }, 110)
const actors = () => allActors({ policy: quantPolicy })

/** What was decided, without names and times, which are each world's own. */
const Final = Schema.Struct({
  payload: Schema.Struct({
    final_decision: Schema.String,
    confidence: Schema.Finite,
    consensus_achieved: Schema.Boolean,
    votes: Schema.Array(Vote),
    bar_time: Schema.String
  })
})
const Stored = Schema.fromJsonString(Schema.Struct({ data: Schema.Unknown }))
const finalOf = (data: unknown) => JSON.stringify(Schema.decodeUnknownSync(Final)(data).payload)
const weightsOf = (body: unknown) =>
  JSON.stringify(Schema.decodeUnknownSync(PerformanceProtocol.messages.GetWeights.reply)(body))

const inHost = (given: ReadonlyArray<Bar>) => {
  const heard: Array<PublishedEvent> = []
  const host = new DirectHost({ actors: actors(), startTime: 0, hear: (event) => heard.push(event) })
  for (const bar of given) {
    host.advanceTo(bar.time + DAY)
    host.ask(CoordinatorProtocol, "ACME", "Bar", { bar })
  }
  const finals = heard.filter(({ subject }) => subject === "coordination.final_decision.ACME")
  const weights = host.ask(PerformanceProtocol, "ACME", "GetWeights", {})
  return { decided: finals.map(({ data }) => finalOf(data)), weights: weightsOf(weights?.body) }
}

describe("the direct host", () => {
  it("decides, votes and learns as with everything encoded, to the byte", () => {
    const world = new Decider(actors())
    world.now = 0
    for (const bar of bars) {
      world.advance(Math.max(0, bar.time + DAY - world.now))
      world.ask(CoordinatorProtocol, "ACME", "Bar", { bar }, `bar-${bar.time}`)
      world.runActivities()
    }
    const here = inHost(bars)
    assert.strictEqual(here.decided.length, bars.length)
    assert.deepStrictEqual(here.decided, world.seen("coordination.final_decision.ACME").map(finalOf))
    const asked = world.ask(PerformanceProtocol, "ACME", "GetWeights", {}, "weights")
    assert.strictEqual(here.weights, weightsOf(asked?.body))
    assert.notInclude(here.weights, '"scored":0')
  })

  it("is the same each time", () => assert.deepStrictEqual(inHost(bars), inHost(bars)))

  it("abstains for an agent whose policy waits, for nobody can wait in virtual time", () => {
    const host = new DirectHost({ actors: allActors({ policy: () => Effect.never }), startTime: 1_000 })
    const answer = host.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "c", bars: toWindow(bars) })
    assert.strictEqual(answer?.outcome, "ok")
    assert.lengthOf(Schema.decodeUnknownSync(AnalysisResult)(answer?.body).votes, 0)
  })

  it("fires timers that fall due, in their order and at their time, and never goes back", () => {
    const fired: Array<string> = []
    const Alarm = {
      type: "alarm",
      messages: {
        Set: { payload: Schema.Struct({ name: Schema.String, at: Schema.Int }) },
        Drop: { payload: Schema.Struct({ name: Schema.String }) },
        Rung: { payload: Schema.Struct({ name: Schema.String }) }
      }
    } as const
    const alarm = define({
      protocol: Alarm,
      state: Schema.Null,
      initial: () => null,
      events: {},
      decide: {
        Set: (_, { name, at }) => [setTimer(name, at, "Rung", { name })],
        Drop: (_, { name }) => [cancelTimer(name)],
        Rung: (_, { name }, { time }) => {
          fired.push(`${name} ${time}`)
          return []
        }
      },
      evolve: {}
    })
    const host = new DirectHost({ actors: [alarm], startTime: 100 })
    for (const [name, at] of [
      ["late", 300],
      ["soon", 200],
      ["never", 250],
      ["beyond", 900],
      ["late", 400]
    ] as const) {
      host.tell(Alarm, "a", "Set", { name, at })
    }
    host.tell(Alarm, "a", "Drop", { name: "never" })
    host.advanceTo(500)
    assert.deepStrictEqual(fired, ["soon 200", "late 400"])
    host.advanceTo(300)
    assert.strictEqual(host.now, 500)
  })

  it("throws what an actor throws, and refuses what is not there", () => {
    const host = new DirectHost({ actors: [], startTime: 0 })
    assert.throws(() => host.tell(CoordinatorProtocol, "ACME", "GetStatus", {}), "no actor of type coordinator")
  })
})

layer(NatsServer.layer, { excludeTestServices: true })("the real runtime on NATS", (it) => {
  it.effect(
    "decides, votes and learns the same, to the byte",
    () => {
      const few = bars.slice(0, 80)
      const actorsHere = system({ namespace: "evaluation", actors: actors() })
      return Effect.gen(function* () {
        const { ask } = yield* Actors
        const log = yield* ActorLog
        const decided: Array<string> = []
        yield* log.watch("coordination.final_decision.ACME", ({ payload }) =>
          decided.push(finalOf(Schema.decodeUnknownSync(Stored)(payload).data))
        )
        for (const [index, bar] of few.entries()) {
          yield* ask(CoordinatorProtocol, "ACME", "Bar", { bar })
          // Bars that come faster than they are analysed are conflated, and no two runs would be the same.
          yield* Effect.repeat(Effect.sleep("2 millis"), { until: () => decided.length > index })
        }
        const here = inHost(few)
        assert.deepStrictEqual(decided, here.decided)
        const weights = yield* ask(PerformanceProtocol, "ACME", "GetWeights", {})
        assert.strictEqual(JSON.stringify(weights), here.weights)
      }).pipe(Effect.scoped, Effect.provide(actorsHere))
    },
    120_000
  )
})
