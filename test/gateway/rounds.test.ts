import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { verifyConsensus } from "../../cli/operate/verify.ts"
import { serveGateway } from "../../gateway/index.ts"
import { RoundStatus } from "../../protocols/index.ts"
import { layerNode, Operators } from "../../runtime/index.ts"
import { layerEvents, layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { http } from "../support/gateway.ts"
import { NatsServer } from "../support/nats.ts"

const UNOPENED = "01HNZX8JGFACFA36RBXDHEQN8B"
const CONSENSUS = "/api/v1/agents/consensus"
const Opened = Schema.Struct({ consensus_id: Schema.String, tokens: Schema.Record(Schema.String, Schema.String) })
const decodeOpened = Schema.decodeUnknownSync(Opened)
const decodeStatus = Schema.decodeUnknownSync(RoundStatus)

const system = Effect.gen(function* () {
  const { url } = yield* NatsServer
  const options = { url, namespace: "gate", name: "gate" }
  const nats = layerNats(options)
  const node = layerNode({ name: "gate", actors: allActors({ policy: quantPolicy }) })
  const services = yield* Layer.build(
    Layer.mergeAll(Layer.provideMerge(node, nats), layerEvents({ url, namespace: "gate", name: "events" }))
  )
  const { port } = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  const another = yield* serveGateway({ port: 0 }).pipe(Effect.provide(services))
  const operators = yield* Effect.provide(Operators, yield* Layer.build(layerOperators(options)))
  const post = (path: string, body: object) =>
    http(port, path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
  const status = (id: string) => Effect.map(http(port, `${CONSENSUS}/${id}`), ({ json }) => decodeStatus(json))
  const postWith = (key: string, path: string, body: object, at = port) =>
    http(at, path, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body)
    })
  return { post, postWith, ports: [port, another.port] as const, status, operators }
})

const outside = (agent_id: string) => ({ agent_id, agent_type: "outsider", external: true })

layer(NatsServer.layer, { excludeTestServices: true })("a round of voters outside", (it) => {
  it.effect("is opened, voted on by secret, escalated, decided by a person, and verified", () =>
    Effect.gen(function* () {
      const { post, status, operators } = yield* system
      const invited = ["ada", "bob", "eve"].map(outside)
      const body = { symbol: "ACME", invited, conflict_resolution: "escalate_to_human", timeout_ms: 60_000 }
      const { consensus_id, tokens } = decodeOpened((yield* post(CONSENSUS, body)).json)
      const word = (agent_id: string, decision: string, token = tokens[agent_id]) => ({
        agent_id,
        agent_type: agent_id.startsWith("human") ? "human" : "outsider",
        token,
        decision,
        confidence: 0.9
      })
      const vote = (agent_id: string, decision: string, token?: string) =>
        Effect.map(
          post(`${CONSENSUS}/${consensus_id}/votes`, word(agent_id, decision, token)),
          (answer) => answer.status
        )
      const invented = word("ada", "BUY")
      assert.strictEqual((yield* post(`${CONSENSUS}/${UNOPENED}/votes`, invented)).status, 404)
      assert.deepStrictEqual(yield* operators.actors({ type: "consensus", id: UNOPENED }, undefined, 1), [])
      assert.strictEqual(yield* vote("ada", "BUY", tokens.eve), 403)
      assert.strictEqual(yield* vote("ada", "BUY"), 200)
      assert.strictEqual(yield* vote("ada", "SELL"), 409)
      assert.strictEqual(yield* vote("bob", "SELL"), 200)
      assert.deepStrictEqual((yield* status(consensus_id)).waiting_for, ["eve"])
      assert.strictEqual(yield* vote("eve", "ABSTAIN"), 200)
      assert.deepInclude(yield* status(consensus_id), { phase: "escalated", waiting_for: ["human_ACME"] })
      assert.strictEqual(yield* vote("human_ACME", "SELL"), 200)
      const closed = yield* status(consensus_id)
      assert.deepInclude(closed, { phase: "closed" })
      assert.deepInclude(closed.result, { final_decision: "SELL", closed_by: "human", resolution: "escalate_to_human" })
      assert.deepInclude(closed.refusals, { NotInvited: 1, DuplicateVote: 1 })
      const found = yield* verifyConsensus(operators, consensus_id)
      assert.deepStrictEqual([found.equal, found.words, found.differences], [true, 4, []])
      const journal = yield* operators.inspect({ type: "consensus", id: consensus_id }, { last: 100 })
      for (const token of Object.values(tokens)) assert.notInclude(JSON.stringify(journal), token)
    }).pipe(Effect.scoped)
  )

  it.effect("loses no word to a key that was used before, at whatever gateway", () =>
    Effect.gen(function* () {
      const { postWith, ports, status } = yield* system
      const keys = Array.from({ length: 3 }, () => randomUUID())
      const [opening, voting, other] = [keys[0]!, keys[1]!, keys[2]!]
      const body = { symbol: "ACME", invited: ["ada", "bob"].map(outside), timeout_ms: 60_000 }
      const opened = yield* postWith(opening, CONSENSUS, body)
      const { consensus_id, tokens } = decodeOpened(opened.json)
      const reordered = Object.fromEntries(Object.entries(body).reverse())
      assert.deepStrictEqual((yield* postWith(opening, CONSENSUS, reordered, ports[1])).json, opened.json)
      const votes = `${CONSENSUS}/${consensus_id}/votes`
      const word = (agent_id: string) => ({
        ...{ agent_id, agent_type: "outsider", token: tokens[agent_id], decision: "BUY", confidence: 0.9 }
      })
      assert.strictEqual((yield* postWith(voting, votes, word("ada"))).status, 200)
      for (const port of ports) {
        const invited = ["ada", "bob", "eve"].map(outside)
        const refused = [
          yield* postWith(opening, CONSENSUS, { ...body, invited }, port),
          yield* postWith(voting, votes, word("bob"), port),
          yield* postWith(voting, `${CONSENSUS}/${consensus_id}/cancel`, {}, port)
        ]
        for (const { json, status } of refused) {
          assert.deepInclude(json, { status: 409, type: "urn:conclave:problem:key-reused", field: "idempotency-key" })
          assert.strictEqual(status, 409)
        }
        assert.strictEqual((yield* postWith(voting, votes, word("ada"), port)).status, 200)
      }
      assert.deepInclude(yield* status(consensus_id), { phase: "voting", waiting_for: ["bob"] })
      assert.strictEqual((yield* postWith(other, votes, word("bob"), ports[1])).status, 200)
      assert.deepInclude(yield* status(consensus_id), { phase: "closed" })
    }).pipe(Effect.scoped)
  )
})
