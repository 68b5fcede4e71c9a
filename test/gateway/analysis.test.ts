import { assert, layer } from "@effect/vitest"
import { Effect, Layer, References, Schema } from "effect"
import { allActors } from "../../actors/index.ts"
import { serveGateway } from "../../gateway/index.ts"
import { AnalysisResult } from "../../protocols/index.ts"
import { layerNode } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { dailyBars, opinionOf } from "../support/bars.ts"
import { http, openClient, subscribe } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const KEY = "6f1c2a54-9c1e-4a34-8a53-2f6b4e1d0c77"
const bars = dailyBars([100, 101, 102])
const item = (time: number) => ({ kind: "news", source: "wire", time, text: "calm" })
const decodeResult = Schema.decodeUnknownSync(AnalysisResult)
const Stage = Schema.Struct({ stage: Schema.String })
const stageOf = (data: unknown) => Schema.decodeUnknownSync(Stage)(data).stage

const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  let opinions = 0
  const policy = () =>
    Effect.sync(() => {
      opinions++
      return opinionOf("BUY", 0.9)
    })
  const node = layerNode({ name: "floor", actors: allActors({ policy }) })
  const nats = layerNats({ url, namespace: "floor", name: "floor" })
  const events = layerEvents({ url, namespace: "floor", name: "events" })
  const services = yield* Layer.build(Layer.mergeAll(Layer.provideMerge(node, nats), events))
  const gateway = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  const post = (body: object, headers: Record<string, string> = {}) =>
    http(gateway.port, "/api/v1/agents/analyze", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
  return { gateway, post, opinions: () => opinions }
}).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

layer(NatsServer.layer, { excludeTestServices: true })("an analysis on a real server", (it) => {
  it.effect("takes context, is done once by its UUID, and is followed on a WebSocket", () =>
    Effect.gen(function* () {
      const { gateway, post, opinions } = yield* system
      const last = bars[2]!.time
      const late = yield* post({ symbol: "ACME", bars, context: [item(last), item(last + 1)] })
      assert.deepInclude(late.json, { status: 400, field: "context[1].time" })
      const request = { symbol: "ACME", bars, context: [item(last)] }
      const once = decodeResult((yield* post(request, { "idempotency-key": KEY })).json)
      const again = decodeResult((yield* post(request, { "idempotency-key": KEY })).json)
      const asked = opinions()
      assert.deepStrictEqual([again.consensus_id, again.votes.length], [once.consensus_id, asked])
      const client = yield* openClient(gateway.url)
      const same = yield* client.call({ op: "analyze", id: KEY, request, progress: false })
      assert.strictEqual(decodeResult(same.data).consensus_id, once.consensus_id)
      assert.strictEqual(opinions(), asked)
      client.send({ op: "analyze", id: "1", request })
      const stages: Array<string> = []
      let frame = yield* client.next
      for (; frame.type === "progress"; frame = yield* client.next) stages.push(stageOf(frame.data))
      assert.notStrictEqual(decodeResult(frame.data).consensus_id, once.consensus_id)
      assert.deepStrictEqual(stages.slice(0, 2), ["accepted", "round_opened"])
      assert.isAtLeast(stages.filter((stage) => stage === "vote").length, 1)
      yield* subscribe(client, "m", "coordination.message.*")
      client.send({ op: "message", id: "2", message: { symbol: "ACME", text: "look" } })
      const two = [yield* client.next, yield* client.next]
      assert.sameMembers(
        two.map(({ type }) => type),
        ["result", "agent_coordination"]
      )
    }).pipe(Effect.scoped)
  )
})
