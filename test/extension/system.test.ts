// An own agent with an own tool, on one system of two nodes, of which one alone knows them.
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, References, Schema } from "effect"
import { SignJWT } from "jose"
import { allActors, quantPolicy } from "../../actors/index.ts"
import ownTool from "../../examples/own-tool/conclave.config.ts"
import { defineAgent, toExtension } from "../../extension/index.ts"
import { serveGateway } from "../../gateway/index.ts"
import { AnalysisResult, RoundStatus, ToolReport } from "../../protocols/index.ts"
import { layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars } from "../support/bars.ts"
import { http, openClientWith, subscribe } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const ANALYZE = "/api/v1/agents/analyze"
const CONSENSUS = "/api/v1/agents/consensus"
const bars = dailyBars(Array.from({ length: 80 }, (_, index) => 100 * 1.01 ** index))
const PANEL = ["market_analyst", "contrarian", "late"]
const Decided = Schema.Struct({ agent_type: Schema.String, metadata: Schema.Record(Schema.String, Schema.Unknown) })

const others = [
  defineAgent({
    type: "late",
    output: Schema.Struct({ waited: Schema.Boolean }),
    policy: async ({ signal }) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { decision: "BUY", confidence: 0.6, output: { waited: !signal.aborted } }
    }
  }),
  defineAgent({ type: "wrong", policy: () => ({ decision: "BUY", confidence: 2 }) }),
  defineAgent({ type: "hanging", policy: () => new Promise<never>(() => {}), timeout: "100 millis" })
]

const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  const { agents, tools } = yield* toExtension(
    { ...ownTool, agents: [...(ownTool.agents ?? []), ...others] },
    "conclave.config.ts"
  )
  const panels = { "*": PANEL }
  const natsOf = (name: string) => layerNats({ url, namespace: "extended", name })
  const nodeOf = (name: string, own: object) =>
    layerNode({ name, actors: allActors({ policy: quantPolicy, panels, ...own }) }).pipe(
      Layer.provideMerge(natsOf(name))
    )
  yield* Layer.build(nodeOf("plain", { agentTypes: ["wrong", "hanging"] }))
  const events = layerEvents({ url, namespace: "extended", name: "events" })
  const services = yield* Layer.build(Layer.merge(nodeOf("own", { agents, tools }), events))
  const gateway = yield* serveGateway({ port: 0, auth: { secret: Redacted.make(SECRET) } }).pipe(
    Effect.provide(services)
  )
  const headersOf = (claims: object) =>
    Effect.promise(() =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject("ada")
        .setExpirationTime("5 minutes")
        .sign(Buffer.from(SECRET))
    ).pipe(Effect.map((token) => ({ authorization: `Bearer ${token}` })))
  const all = yield* headersOf({ patterns: [">"], operations: ["analyze", "status", "request_consensus", "feed"] })
  const get = (path: string, headers: Record<string, string> = all) => http(gateway.port, path, { headers })
  const post = (path: string, body: object) =>
    http(gateway.port, path, {
      method: "POST",
      headers: { ...all, "content-type": "application/json" },
      body: JSON.stringify(body)
    })
  return { gateway, headersOf, get, post }
}).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

layer(NatsServer.layer, { excludeTestServices: true })("an agent and a tool of one's own", (it) => {
  it.effect("vote, are heard of and are counted as the others are, wherever the coordinator is", () =>
    Effect.gen(function* () {
      const { gateway, headersOf, get, post } = yield* system
      const few = yield* headersOf({ patterns: ["decision.*.contrarian"], operations: ["status"] })
      const client = yield* openClientWith(gateway.url, { headers: few })
      assert.strictEqual((yield* client.next).type, "result")
      yield* subscribe(client, "d", "decision.*.contrarian")
      const wider = yield* client.call({ op: "subscribe", id: "w", pattern: "decision.*.late" })
      assert.deepInclude(wider.data, { id: "w", code: "forbidden" })

      // Of so many symbols each node has the coordinators of some.
      for (const symbol of ["ACME", "GLOBEX", "INITECH", "UMBRELLA", "HOOLI", "STARK"]) {
        const { json } = yield* post(ANALYZE, { symbol, bars })
        const { votes } = Schema.decodeUnknownSync(AnalysisResult)(json)
        assert.sameMembers(
          votes.map(({ agent_type, decision }) => `${agent_type} ${decision}`),
          [
            `market_analyst ${votes.find((vote) => vote.agent_type === "market_analyst")?.decision}`,
            "contrarian SELL",
            "late BUY"
          ]
        )
        const told = yield* client.next
        assert.strictEqual(told.subject, `decision.${symbol}.contrarian`)
        assert.strictEqual(Schema.decodeUnknownSync(Decided)(told.data).metadata.policy, "contrarian")
      }

      yield* post("/api/v1/market/ACME/bars", { bars })
      yield* post(ANALYZE, { symbol: "ACME" })
      const tool = yield* get("/api/v1/agents/tools?agent_type=contrarian&tool=place_in_range")
      const report = Schema.decodeUnknownSync(ToolReport)(tool.json)
      assert.isAbove(report.total.succeeded, 0, "of bars that a client brings for itself nothing is counted")
      assert.strictEqual(report.total.failed, 0)
      assert.strictEqual(
        (yield* get("/api/v1/agents/tools?agent_type=contrarian&tool=place_in_range", few)).status,
        403
      )
      assert.strictEqual((yield* get("/api/v1/agents/tools?agent_type=nobody&tool=place_in_range")).status, 404)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "are asked for by name; a type that nobody has is refused, and one that fails abstains with its reason",
    () =>
      Effect.gen(function* () {
        const { gateway, headersOf, get, post } = yield* system
        yield* post("/api/v1/market/NAMED/bars", { bars })
        const refused = yield* post(CONSENSUS, { symbol: "NAMED", agents: ["nobody"] })
        assert.include(JSON.stringify(refused.json), "there is no agent type nobody; there are market_analyst")
        const passing = { agent_id: "Contrarian-7", agent_type: "desk", external: true }
        const posing = yield* post(CONSENSUS, { symbol: "NAMED", invited: [passing] })
        assert.include(JSON.stringify(posing.json), "this is the name of an agent inside")

        const headers = yield* headersOf({ patterns: [">"], operations: ["analyze"] })
        const client = yield* openClientWith(gateway.url, { headers })
        yield* client.next
        yield* subscribe(client, "d", "decision.NAMED.late")
        const agents = ["contrarian", "late_NAMED", "wrong", "hanging"]
        const opened = yield* post(CONSENSUS, { symbol: "NAMED", agents, required_agents: ["contrarian"] })
        assert.strictEqual(opened.status, 201, JSON.stringify(opened.json))
        const { consensus_id } = Schema.decodeUnknownSync(Schema.Struct({ consensus_id: Schema.String }))(opened.json)
        const read = Effect.map(get(`${CONSENSUS}/${consensus_id}`), ({ json }) =>
          Schema.decodeUnknownSync(RoundStatus)(json)
        )
        const { result } = yield* Effect.repeat(read, { until: ({ phase }) => phase === "closed", times: 400 })
        assert.sameMembers([...(result?.participating_agents ?? [])], ["contrarian_NAMED", "late_NAMED"])
        const reasons = new Map(result?.abstentions.map(({ agent_id, reason }) => [agent_id, reason]))
        assert.match(
          reasons.get("wrong_NAMED") ?? "",
          /wrong: its answer, confidence: confidence must be between 0 and 1/
        )
        assert.strictEqual(reasons.get("hanging_NAMED"), "the analysis took too long")
        assert.deepStrictEqual(Schema.decodeUnknownSync(Decided)((yield* client.next).data).metadata.output, {
          waited: true
        })
      }).pipe(Effect.scoped)
  )
})
