// From a price bar to a joint decision on a WebSocket, through real processes.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { allActors, PANEL, type Policy, PolicyError } from "../../actors/index.ts"
import {
  AgentCoordination,
  AgentDecision,
  AnalysisResult,
  agentId,
  CoordinatorProtocol,
  type Frame,
  MarketUpdate,
  Problem,
  toWindow
} from "../../protocols/index.ts"
import { Actors, Leases } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { isAlive } from "../support/alive.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"
import { dataFolder, type Running, serverOn, start } from "../support/command.ts"
import { type Client, eventually, http, openClient } from "../support/gateway.ts"
import { NatsServer, natsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const bars = dailyBars(Array.from({ length: 120 }, (_, index) => 100 + index))
const agents = PANEL.map((type) => agentId(type, "GOOG"))

describe("conclave up", () => {
  it.live("streams how three agents come to a decision, answers, survives bad input, stops, and goes on", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const first = yield* up(data)
      const watching = yield* openClient(first.url)
      watching.send({ op: "subscribe", id: "d", pattern: "decision.GOOG.*" })
      watching.send({ op: "subscribe", id: "c", pattern: "coordination.>" })
      watching.send({ op: "subscribe", id: "m", pattern: "market.GOOG" })
      yield* eventually("a whole round", () => wholeRounds(watching.waiting()).length > 0)
      assertRound(watching.waiting(), wholeRounds(watching.waiting())[0]!)

      yield* assertAnalyzes(first.port, "GOOG")
      yield* assertRefusesOperations(yield* openClient(first.url))
      yield* assertRefusesRequests(first.port)
      const seen = wholeRounds(watching.waiting()).length
      yield* eventually("more rounds", () => wholeRounds(watching.waiting()).length > seen)

      const lastBar = barTimes(watching.waiting()).at(-1)!
      yield* assertStops(first.running, data)
      const second = yield* up(data)
      const resumed = yield* second.running.says(/GOOG continues after (\S+)/)
      assert.isAtLeast(Date.parse(resumed), Date.parse(lastBar))
      const watchingAgain = yield* openClient(second.url)
      watchingAgain.send({ op: "subscribe", id: "m", pattern: "market.GOOG" })
      yield* eventually("a bar", () => barTimes(watchingAgain.waiting()).length > 0)
      assert.isAbove(Date.parse(barTimes(watchingAgain.waiting())[0]!), Date.parse(resumed))
      yield* assertStops(second.running, data)
    })
  )
})

describe("conclave node and gateway", () => {
  it.live("share the work between two nodes, and lose no answer when one of them is killed", () =>
    Effect.gen(function* () {
      const { url } = yield* natsServer()
      const env = { NATS_URL: url, LEASE_TTL: "1 second", GATEWAY_ROUNDS_PER_MINUTE: "3000" }
      const nodes = yield* Effect.all([start(["node", "--name", "a"], env), start(["node", "--name", "b"], env)])
      const named = url.replace("//", "//somebody:secret@")
      const gateway = yield* start(["gateway", "--port", "0", "--nats", named], env)
      const port = Number(yield* gateway.says(/gateway on http:\/\/127\.0\.0\.1:(\d+)/))
      yield* Effect.forEach(nodes, (node) => node.says(/serves actors/))
      assert.include(gateway.stdout(), url.replace("//", "//somebody:***@"))
      yield* halvesOf(url)

      const symbols = Array.from({ length: 24 }, (_, index) => `S${index}`)
      const all = Effect.forEach(symbols, (symbol) => assertAnalyzes(port, symbol), { concurrency: "unbounded" })
      yield* all
      yield* Effect.all([all, nodes[0].signal("SIGKILL")], { concurrency: "unbounded" })
      yield* all

      yield* Effect.forEach([nodes[1], gateway], (part) =>
        Effect.gen(function* () {
          yield* part.signal("SIGINT")
          assert.strictEqual((yield* part.ended).code, 130)
        })
      )
    })
  )
})

describe("an agent that does not do its part", () => {
  const without = (namespace: string, risk: ReturnType<Policy>) => {
    const policy: Policy = ({ agentType }) =>
      agentType === "risk_advisor" ? risk : Effect.succeed(opinionOf("BUY", 0.8))
    const actors = allActors({ policy, roundTimeoutMillis: 700, agent: { timeout: "1 minute" } })
    return Effect.gen(function* () {
      const { ask } = yield* Actors
      return yield* ask(CoordinatorProtocol, "GOOG", "Analyze", { correlation_id: "c1", bars: toWindow(bars) })
    }).pipe(Effect.provide(system({ namespace, actors })), Effect.provide(NatsServer.layer))
  }

  const assertDecidedWithoutRisk = (result: AnalysisResult) => {
    assert.strictEqual(result.final_recommendation, "BUY")
    assert.isTrue(result.consensus_achieved)
    assert.deepStrictEqual(
      result.votes.map((vote) => vote.agent_type),
      ["market_analyst", "strategy_optimizer"]
    )
    assert.deepStrictEqual(result.missing_agents, ["risk_advisor_GOOG"])
  }

  it.live("is named in the decision, which comes at the deadline where it hangs", () =>
    Effect.map(without("hanging", Effect.never), assertDecidedWithoutRisk)
  )

  it.live("is named in the decision where it fails", () =>
    Effect.map(without("failing", Effect.fail(new PolicyError({ detail: "no model" }))), assertDecidedWithoutRisk)
  )

  it.live("is named in the decision where it throws", () =>
    Effect.map(
      without(
        "throwing",
        Effect.suspend(() => {
          throw new Error("a defect")
        })
      ),
      assertDecidedWithoutRisk
    )
  )
})

const up = (data: string) =>
  Effect.gen(function* () {
    const words = ["--csv", "samples/ACME.csv", "--symbol", "GOOG", "--port", "0", "--speed", "50", "--data", data]
    const running = yield* start(["up", ...words])
    const url = yield* running.says(/HTTP +(http:\S+)\/api/)
    return { running, url, port: Number(new URL(url).port) }
  })

/** As Ctrl-C in a terminal. */
const assertStops = (running: Running, data: string) =>
  Effect.gen(function* () {
    const server = serverOn(data)
    assert.isDefined(server)
    yield* running.signal("SIGINT")
    const { code, stdout, stderr } = yield* running.ended
    assert.deepStrictEqual({ code, stderr }, { code: 130, stderr: "" })
    assert.match(stdout, /\nstopping\n(.*\n)*stopped\n$/)
    assert.isFalse(isAlive(server!))
    assert.isFalse(existsSync(join(data, "lock")))
  })

const isCoordination = Schema.is(AgentCoordination)
const isDecision = Schema.is(AgentDecision)
const isUpdate = Schema.is(MarketUpdate)

const barTimes = (frames: ReadonlyArray<Frame>) =>
  frames.flatMap(({ data }) => (isUpdate(data) ? [data.timestamp] : []))

/** What was said in each round, by its id. */
const roundsOf = (frames: ReadonlyArray<Frame>) =>
  Map.groupBy(
    frames.flatMap(({ type, seq, subject, data }) =>
      type === "agent_coordination" && isCoordination(data) ? [{ seq: seq!, subject, ...data }] : []
    ),
    ({ payload }) => String(payload.consensus_id)
  )

/** The rounds that were seen from their beginning to the coordinator's decision. */
const wholeRounds = (frames: ReadonlyArray<Frame>) =>
  [...roundsOf(frames)].flatMap(([id, said]) => {
    const whole = said[0]?.message_type === "consensus_request" && said.at(-1)?.message_type === "final_decision"
    return whole ? [id] : []
  })

const assertRound = (frames: ReadonlyArray<Frame>, id: string) => {
  const said = roundsOf(frames).get(id)!
  assert.deepStrictEqual(
    // Who disagreed was told as well, if anybody did.
    said.map(({ message_type }) => message_type).filter((type) => type !== "disagreement"),
    ["consensus_request", "vote", "vote", "vote", "consensus_result", "performance_feedback", "final_decision"]
  )
  assert.deepStrictEqual(
    said.map(({ seq }) => seq),
    said.map(({ seq }) => seq).toSorted((a, b) => a - b)
  )
  assert.isTrue(said.every(({ subject, message_type }) => subject === `coordination.${message_type}.GOOG`))
  const votes = said.slice(1, 4).map((vote) => vote.sender_agent_id)
  assert.deepStrictEqual(votes.toSorted(), agents)
  const decisions = frames.filter(({ data }) => isDecision(data) && data.metadata.consensus_id === id)
  assert.deepStrictEqual(
    decisions.map(({ subject }) => subject).toSorted(),
    PANEL.map((type) => `decision.GOOG.${type}`)
  )
  assert.isTrue(decisions.every(({ type, sub }) => type === "agent_decision" && sub === "d"))
  assert.deepInclude(said[4]!.payload, { symbol: "GOOG", consensus_achieved: said[5]!.payload.consensus_achieved })
}

const post = (port: number, body: string) =>
  http(port, "/api/v1/agents/analyze", { method: "POST", headers: { "content-type": "application/json" }, body })

const decodeResult = Schema.decodeUnknownSync(AnalysisResult)

const assertAnalyzes = (port: number, symbol: string) =>
  Effect.gen(function* () {
    const answer = yield* post(port, JSON.stringify({ symbol, bars }))
    assert.strictEqual(answer.status, 200, answer.text)
    const { votes, missing_agents, symbol: named } = decodeResult(answer.json)
    assert.deepStrictEqual(
      { votes: votes.length, missing_agents, named },
      { votes: 3, missing_agents: [], named: symbol }
    )
  })

const ErrorFrame = Schema.Struct({ type: Schema.Literal("error"), data: Schema.Struct({ code: Schema.String }) })
const decodeError = Schema.decodeUnknownSync(ErrorFrame)

/** Each is answered by its error, and the client is served as before. */
const assertRefusesOperations = (client: Client) =>
  Effect.forEach(
    [
      ['{"op":"subscribe","id":"x","patt', "malformed_json"],
      [new Uint8Array([1, 2, 3]), "binary_frame"],
      [JSON.stringify({ op: "subscribe", id: "x", pattern: `decision.${"A".repeat(100_000)}.*` }), "frame_too_large"],
      [JSON.stringify({ op: "subscribe", id: "x", pattern: "decision..*" }), "invalid_pattern"],
      [JSON.stringify({ op: "buy", id: "x" }), "invalid_operation"]
    ] as const,
    ([sent, code]) =>
      Effect.gen(function* () {
        client.sendRaw(sent)
        assert.strictEqual(decodeError(yield* client.next).data.code, code)
        assert.strictEqual((yield* client.call({ op: "ping", id: "p" })).type, "result")
      }),
    { discard: true }
  )

const decodeProblem = Schema.decodeUnknownSync(Problem)

const assertRefusesRequests = (port: number) =>
  Effect.forEach(
    [
      [JSON.stringify({ symbol: "GOOG", bars: [{ ...bars[0], high: 1, low: 2 }] }), 400, "bars[0]"],
      [JSON.stringify({ symbol: "*", bars }), 400, "symbol"],
      [JSON.stringify({ symbol: "A".repeat(1_000_000), bars: bars.slice(0, 1) }), 400, "symbol"],
      ['{"symbol":"GO', 400, undefined],
      [Buffer.from([0xff, 0x00]).toString("latin1"), 400, undefined]
    ] as const,
    ([body, status, field]) =>
      Effect.gen(function* () {
        const answer = yield* post(port, body)
        const problem = decodeProblem(answer.json)
        assert.isBelow(answer.text.length, 1_000)
        assert.deepStrictEqual({ status: answer.status, field: problem.field }, { status, field })
        yield* assertAnalyzes(port, "GOOG")
      }),
    { discard: true }
  )

/** Waits until both nodes hold about half of the shards each. */
const halvesOf = (url: string) =>
  Effect.gen(function* () {
    const counts = new Map<string, number>()
    yield* (yield* Leases).watch(({ holders }) => {
      counts.clear()
      for (const holder of holders.values()) counts.set(holder, (counts.get(holder) ?? 0) + 1)
    })
    yield* eventually("both nodes hold shards", () => Math.min(counts.get("a") ?? 0, counts.get("b") ?? 0) > 16)
  }).pipe(
    Effect.provide(Layer.fresh(layerNats({ url, namespace: "conclave", name: "test", ttlSeconds: 1 }))),
    Effect.scoped
  )
