import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, Metric, References, Schema } from "effect"
import { ulid } from "ulid"
import { allActors, type ModelsOptions, openModels, quantPolicy } from "../../actors/index.ts"
import {
  AgentDecision,
  Alert,
  CoordinatorProtocol,
  ModelCall,
  type ModelErrorKind,
  toWindow
} from "../../protocols/index.ts"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { dailyBars } from "../support/bars.ts"
import { decisionText } from "../support/model-servers/decisions.ts"
import { modelServer, nobody, type Reply } from "../support/model-servers/server.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const bars = toWindow(dailyBars(Array.from({ length: 80 }, (_, index) => 100 + 5 * Math.sin(index / 5))))
const PROMPTS = join(import.meta.dirname, "../../prompts")
const text = decisionText("BUY", 0.7)
const say = (answer: string): Reply => ({ does: "say", text: answer })

/** Everything that a server of models can do wrong, and what is said of it. */
const WAYS: ReadonlyArray<readonly [name: string, reply: Reply, kind: ModelErrorKind]> = [
  ["too slow", { does: "say", text, afterMillis: 5_000 }, "timeout"],
  ["silent", { does: "hang" }, "timeout"],
  ["429 with Retry-After", { does: "fail", status: 429, message: "later", retryAfter: "1" }, "rate_limited"],
  ["429 for a long time", { does: "fail", status: 429, message: "later", retryAfter: "600" }, "rate_limited"],
  ["500", { does: "fail", status: 500, message: "boom" }, "server_error"],
  ["broken off", { does: "break off", text }, "truncated"],
  ["ended early", { does: "end early", text }, "truncated"],
  ["not JSON", { does: "send", body: "<html>", type: "text/html" }, "malformed"],
  ["of another schema", { does: "send", body: '{"choices":"none"}' }, "malformed"],
  ["no such model", { does: "fail", status: 404, message: "no such model" }, "rejected"],
  ["a decision outside the three", say(text.replace('"BUY"', '"ACCUMULATE"')), "invalid_answer"],
  ["confidence high", say(text.replace("0.7", '"high"')), "invalid_answer"],
  ["an answer in words", say("I would buy."), "invalid_answer"]
]

const Stored = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("agent_decision"), data: AgentDecision }),
    Schema.Struct({ type: Schema.Literal("model_call"), data: ModelCall }),
    Schema.Struct({ type: Schema.Literal("alert"), data: Alert })
  ])
)
const decodeStored = Schema.decodeUnknownOption(Stored)
const decodeFallback = Schema.decodeUnknownSync(Schema.Struct({ fallback: Schema.Struct({ kind: Schema.String }) }))

/** A node whose agents ask a model at an address, what it publishes, and what it logs. */
const world = Effect.fnUntraced(function* (
  namespace: string,
  baseUrl: string,
  limits: Pick<ModelsOptions, "failures" | "pause">
) {
  const at = { baseUrl }
  const events: Array<typeof Stored.Type> = []
  const lines: Array<string> = []
  const { failures = 5, pause = "700 millis" } = limits
  const models = yield* openModels({
    models: new Map([
      ["market_analyst", "ollama:a"],
      ["risk_advisor", "ollama:a"]
    ] as const),
    providers: { ollama: at, anthropic: at, perplexity: at, openai: at },
    ...{ prompts: PROMPTS, prices: {}, timeout: "700 millis", budget: "5 seconds", callsPerMinute: 10_000 },
    ...{ failures, pause }
  })
  const capture = Logger.make(({ message, logLevel, fiber }) => {
    lines.push(
      `${logLevel} ${JSON.stringify(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`
    )
  })
  const node = layerNode({ name: "one", actors: allActors({ policy: quantPolicy, agent: { models } }) })
  const system = yield* Layer.build(Layer.fresh(Layer.provideMerge(node, client({ namespace })))).pipe(
    Effect.provide(Logger.layer([capture]))
  )
  const { ask } = yield* Actors.pipe(Effect.provide(system))
  const log = yield* ActorLog.pipe(Effect.provide(system))
  yield* log.watch(">", ({ payload }) => {
    const event = decodeStored(payload)
    if (event._tag === "Some") events.push(event.value)
  })
  const analyze = Effect.gen(function* () {
    events.length = 0
    const question = { correlation_id: ulid(), bars }
    const result = yield* ask(CoordinatorProtocol, "ACME", "Analyze", question, { timeout: "30 seconds" })
    const decided = () => events.filter(({ type }) => type === "agent_decision").length
    yield* Effect.sleep("10 millis").pipe(Effect.repeat({ until: () => decided() >= result.votes.length }))
    return result
  })
  const kinds = () =>
    events.flatMap((event) =>
      event.type === "agent_decision" && event.data.metadata.fallback !== undefined
        ? [decodeFallback(event.data.metadata).fallback.kind]
        : []
    )
  return { analyze, kinds, events, lines }
})

const counted = (name: string, attributes: { readonly [key: string]: string }) =>
  Effect.map(Metric.snapshot, (all) => {
    const found = all.find(
      (metric) =>
        metric.id === name && Object.entries(attributes).every(([key, value]) => metric.attributes?.[key] === value)
    )
    return JSON.parse(
      JSON.stringify(found?.state ?? null, (_, value) => (typeof value === "bigint" ? Number(value) : value))
    )
  })

layer(NatsServer.layer, { excludeTestServices: true })("while a server of models fails", (it) => {
  it.effect(
    "in every way, decisions go on arriving, and log, metrics and decisions say what it was",
    () =>
      Effect.gen(function* () {
        const server = yield* modelServer(() => say(text))
        const { analyze, kinds, events, lines } = yield* world("failing", server.url, { failures: 1_000 })
        assert.deepStrictEqual([(yield* analyze).votes.length, kinds()], [3, []])
        for (const [name, reply, kind] of WAYS) {
          server.follow(() => reply)
          lines.length = 0
          const { votes } = yield* analyze
          assert.deepStrictEqual([votes.length, kinds()], [3, [kind, kind]], name)
          const calls = events.flatMap((event) => (event.type === "model_call" ? [event.data] : []))
          if (kind === "invalid_answer") {
            assert.deepStrictEqual(
              calls.map(({ turn, status }) => [turn, status]).toSorted(),
              [1, 1, 2, 2].map((turn) => [turn, "success"])
            )
          } else {
            assert.isAtLeast(calls.length, 2, name)
            assert.isTrue(
              calls.every((call) => call.error_kind === kind && (call.error_message ?? "") !== ""),
              name
            )
            assert.isTrue(
              lines.some((line) => line.includes("model call failed") && line.includes(kind)),
              name
            )
            const state = yield* counted("conclave_model_calls_total", { model: "ollama:a", ended: kind })
            assert.isAtLeast(state.count, calls.length, name)
          }
        }
        server.follow(() => say(text))
        assert.deepStrictEqual(
          [(yield* analyze).votes.length, kinds()],
          [3, []],
          "and when it is well again, it is asked"
        )
      }).pipe(Effect.scoped),
    120_000
  )

  it.effect(
    "and nobody is there, its breaker opens and is told of; and closes when it is back",
    () =>
      Effect.gen(function* () {
        const gone = yield* world("gone", yield* nobody, { failures: 4 })
        yield* gone.analyze
        yield* gone.analyze
        assert.includeMembers(gone.kinds(), ["circuit_open"])
        const server = yield* modelServer(() => ({ does: "fail", status: 503, message: "not yet" }))
        const { analyze, kinds, events } = yield* world("back", server.url, { failures: 4, pause: "4 seconds" })
        const alerts = () => events.flatMap((event) => (event.type === "alert" ? [event.data.code] : []))
        yield* analyze
        assert.deepStrictEqual(alerts(), ["model_left_alone"])
        const before = server.received.length
        yield* analyze
        assert.deepStrictEqual(
          [kinds(), server.received.length],
          [["circuit_open", "circuit_open"], before],
          "nothing is sent"
        )
        assert.deepStrictEqual((yield* counted("conclave_model_breaker_state", { model: "ollama:a" })).value, 2)
        server.follow(() => say(text))
        // A try in between may have doubled the pause.
        const turned: Array<string> = []
        yield* Effect.sleep("500 millis").pipe(
          Effect.andThen(analyze),
          Effect.andThen(Effect.sync(() => turned.push(...alerts()))),
          Effect.repeat({ until: () => kinds().length === 0 })
        )
        assert.deepStrictEqual(turned, ["model_back"])
      }).pipe(Effect.scoped),
    120_000
  )
})
