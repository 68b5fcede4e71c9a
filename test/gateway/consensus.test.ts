import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { sha256 } from "../../actors/consensus/chain.ts"
import { ASKING_MAX } from "../../gateway/socket/question.ts"
import { Problem } from "../../protocols/index.ts"
import { AskTimeout } from "../../runtime/index.ts"
import { http, openClient, startGateway } from "../support/gateway.ts"

const CONSENSUS = "/api/v1/agents/consensus"
const ID = "01J00000000000000000000000"

const post = (port: number, path: string, body: unknown) =>
  http(port, path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

const Tokens = Schema.Struct({ tokens: Schema.Record(Schema.String, Schema.String) })
const tokensOf = (json: unknown) => Schema.decodeUnknownSync(Tokens)(json).tokens
const problemOf = (json: unknown) => Schema.decodeUnknownSync(Problem)(json)

const opening = Effect.fnUntraced(function* () {
  const world = yield* startGateway()
  world.answerWith(({ message }) =>
    Effect.succeed(message === "RequestConsensus" ? { consensus_id: ID } : { accepted: true })
  )
  return { ...world, port: world.gateway.port }
})

const oracle = { agent_id: "oracle", agent_type: "oracle", external: true }

const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])
const many = Array.from({ length: 257 }, (_, index) => [`agent_${index}`, 1] as const)

describe("POST /api/v1/agents/consensus", () => {
  it.live("refuses what is nested without end, and lives on", () =>
    Effect.gen(function* () {
      const { gateway, port } = yield* opening()
      const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
      const body = (field: string, levels: number) => `{"symbol":"A","${field}":${nested(levels)}}`
      const raw = (path: string, text: string) =>
        http(port, path, { method: "POST", headers: { "content-type": "application/json" }, body: text })
      for (const [field, levels] of [
        ["symbol", 400_000],
        ["context", 400_000],
        ["invited", 400_000]
      ] as const) {
        assert.strictEqual((yield* raw(CONSENSUS, body(field, levels))).status, 400, field)
        assert.strictEqual((yield* raw("/api/v1/agents/analyze", body(field, levels))).status, 400, field)
      }
      const deepest = `{"symbol":"A","context":{"a":${nested(400_000)}}}`
      assert.deepInclude(problemOf((yield* raw(CONSENSUS, deepest)).json), { status: 400, field: "context" })
      const client = yield* openClient(gateway.url)
      const frame = `{"op":"request_consensus","id":"1","request":{"symbol":"A","context":{"a":${nested(20_000)}}}}`
      client.sendRaw(frame)
      assert.deepInclude((yield* client.next).data, { id: "1", code: "invalid_operation" })
    })
  )

  it.live("asks the symbol's coordinator, answers the id, and says each secret once, which goes on only hashed", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* opening()
      const inside = { agent_id: "risk_advisor_AAPL", agent_type: "risk_advisor" }
      const body = { symbol: "AAPL", correlation_id: "c-1", invited: [inside, oracle], quorum: 1, question: "now?" }
      const answer = yield* post(port, CONSENSUS, body)
      assert.deepStrictEqual([answer.status, answer.headers.location], [201, `${CONSENSUS}/${ID}`])
      const tokens = tokensOf(answer.json)
      assert.deepStrictEqual(Object.keys(tokens), ["oracle"])
      assert.match(tokens.oracle!, /^[A-Za-z0-9_-]{43}$/)
      const expected = {
        correlation_id: "c-1",
        quorum: 1,
        question: "now?",
        invited: [inside, { ...oracle, token_hash: sha256(tokens.oracle!) }]
      }
      assert.deepInclude(asked[0], { id: "AAPL", message: "RequestConsensus" })
      assert.deepStrictEqual(asked[0]?.payload, { request: expected })
      assert.notInclude(JSON.stringify(asked), tokens.oracle!)
      assert.strictEqual((yield* post(port, CONSENSUS, { symbol: "AAPL" })).status, 201)
    })
  )

  it.live("names a person to be asked where nobody was named, and gives that one a secret too", () =>
    Effect.gen(function* () {
      const { port } = yield* opening()
      const answer = yield* post(port, CONSENSUS, { symbol: "AAPL", conflict_resolution: "escalate_to_human" })
      assert.deepStrictEqual(Object.keys(tokensOf(answer.json)), ["human_AAPL"])
      const odd = { symbol: "AAPL", invited: [{ ...oracle, agent_id: "__proto__" }] }
      assert.deepStrictEqual(Object.keys(tokensOf((yield* post(port, CONSENSUS, odd)).json)), ["__proto__"])
      const named = { symbol: "AAPL", humans: [{ agent_id: "ada", agent_type: "human" }] }
      assert.deepStrictEqual(Object.keys(tokensOf((yield* post(port, CONSENSUS, named)).json)), ["ada"])
    })
  )

  it.live("names the field and the rule of what is not valid, and asks nobody", () =>
    Effect.gen(function* () {
      const { port, asked, answerWith } = yield* opening()
      const bad: ReadonlyArray<readonly [body: object, field: string, rule: RegExp]> = [
        [{}, "symbol", /required/],
        [{ method: "dictatorship" }, "method", /simple_majority/],
        [{ timeout_ms: 0 }, "timeout_ms", /above 0/],
        [{ min_confidence: 2 }, "min_confidence", /between 0 and 1/],
        [{ invited: [{ ...oracle, token_hash: "0".repeat(64) }] }, "invited[0].token_hash", /no such field/],
        [{ votes: [] }, "votes", /no such field/],
        [{ context: { a: deep(40) } }, "context", /at most 32 levels/],
        [{ weights: Object.fromEntries(many) }, "weights", /at most 256/],
        [{ weights: { ["a".repeat(129)]: 1 } }, "weights", /1 to 128 characters/]
      ]
      for (const [change, field, rule] of bad) {
        const symbol = field === "symbol" ? {} : { symbol: "A" }
        const problem = problemOf((yield* post(port, CONSENSUS, { ...symbol, ...change })).json)
        assert.deepStrictEqual([problem.status, problem.field], [400, field], problem.detail)
        assert.match(problem.detail, rule)
      }
      assert.deepStrictEqual(asked, [])
      answerWith(() => Effect.fail({ _tag: "InvalidRound", symbol: "A", field: "quorum", rule: "too many" }))
      assert.deepInclude(problemOf((yield* post(port, CONSENSUS, { symbol: "A" })).json), {
        status: 400,
        field: "quorum"
      })
      answerWith(() => Effect.fail({ _tag: "NoMarketData", symbol: "A" }))
      assert.strictEqual((yield* post(port, CONSENSUS, { symbol: "A" })).status, 409)
    })
  )
})

describe("the votes of a round", () => {
  const vote = { agent_id: "oracle", agent_type: "oracle", token: "secret", decision: "BUY", confidence: 0.9 }

  it.live("carry the hash of the secret, and never the secret", () =>
    Effect.gen(function* () {
      const { port, asked } = yield* opening()
      const answer = yield* post(port, `${CONSENSUS}/${ID}/votes`, vote)
      assert.deepStrictEqual([answer.status, answer.json], [200, { accepted: true }])
      const word = { agent_id: "oracle", agent_type: "oracle" }
      assert.deepInclude(asked[0], { id: ID, message: "CastVote" })
      assert.deepStrictEqual(asked[0]?.payload, {
        vote: { ...word, decision: "BUY", confidence: 0.9, reasoning: "" },
        proof: sha256("secret")
      })
      yield* post(port, `${CONSENSUS}/${ID}/votes`, { ...vote, decision: "ABSTAIN", reasoning: "no idea" })
      assert.deepStrictEqual(asked[1]?.payload, { abstention: { ...word, reason: "no idea" }, proof: sha256("secret") })
    })
  )

  it.live("are refused with the status that fits, and a rule where they are not valid", () =>
    Effect.gen(function* () {
      const { port, asked, answerWith } = yield* opening()
      const votes = `${CONSENSUS}/${ID}/votes`
      const { confidence: _, ...unsure } = vote
      const { token: __, ...unknown } = vote
      for (const [path, body, field] of [
        [votes, unsure, "confidence"],
        [votes, unknown, "token"],
        [votes, { ...vote, probabilities: { BUY: 1, SELL: 1, HOLD: 1 } }, "probabilities"],
        [votes, { ...vote, reasoning: "x".repeat(10_001) }, "reasoning"],
        [`${CONSENSUS}/not-an-id/votes`, vote, "id"]
      ] as const) {
        assert.deepInclude(problemOf((yield* post(port, path, body)).json), { status: 400, field })
      }
      assert.deepStrictEqual(asked, [])
      const refusals = { UnknownRound: 404, NotInvited: 403, DuplicateVote: 409, RoundClosed: 409 }
      for (const [_tag, status] of Object.entries(refusals)) {
        answerWith(() => Effect.fail({ _tag, consensus_id: ID, agent_id: "oracle" }))
        const answer = yield* post(port, votes, vote)
        assert.strictEqual(problemOf(answer.json).status, status)
        assert.notInclude(answer.text, "secret")
      }
      answerWith(() => Effect.fail(new AskTimeout({ actor: "a", message_type: "b", timeout_ms: 5 })))
      assert.strictEqual((yield* post(port, votes, vote)).status, 504)
      answerWith(() => Effect.die(new Error("inside")))
      assert.strictEqual((yield* post(port, votes, vote)).status, 500)
    })
  )
})

describe("a round", () => {
  it.live("is shown as it is, cancelled, and unknown", () =>
    Effect.gen(function* () {
      const { port, asked, answerWith } = yield* opening()
      const status = {
        consensus_id: ID,
        symbol: "AAPL",
        phase: "voting",
        method: "unanimous",
        opened_at: "2024-01-01T00:00:00.000Z",
        ends_at: "2024-01-01T00:00:15.000Z",
        votes: [],
        abstentions: [],
        waiting_for: ["oracle"],
        refusals: { UnknownRound: 0, RoundClosed: 0, NotInvited: 0, DuplicateVote: 0 },
        last_refused: [],
        chain_hash: "0".repeat(64),
        result: null,
        reopened_by: []
      }
      answerWith(() => Effect.succeed(status))
      const shown = yield* http(port, `${CONSENSUS}/${ID}`)
      assert.deepStrictEqual([shown.status, shown.json], [200, status])
      const elsewhere = { headers: { origin: "https://evil.example" } }
      assert.strictEqual((yield* http(port, `${CONSENSUS}/${ID}`, elsewhere)).status, 403)
      answerWith(() => Effect.succeed({ accepted: true }))
      assert.strictEqual((yield* post(port, `${CONSENSUS}/${ID}/cancel`, { reason: "over" })).status, 200)
      assert.deepInclude(asked[1], { id: ID, message: "Cancel" })
      assert.deepStrictEqual(asked[1]?.payload, { reason: "over" })
      answerWith(() => Effect.fail({ _tag: "UnknownRound", consensus_id: ID }))
      assert.strictEqual((yield* http(port, `${CONSENSUS}/${ID}`)).status, 404)
      assert.strictEqual((yield* http(port, CONSENSUS)).status, 405)
      assert.strictEqual((yield* post(port, `${CONSENSUS}/${ID}`, {})).status, 405)
    })
  )
})

describe("over a WebSocket", () => {
  const vote = { agent_id: "oracle", agent_type: "oracle", token: "secret", decision: "SELL", confidence: 0.5 }

  it.live("a round is opened and a vote cast, each answered under the operation's id", () =>
    Effect.gen(function* () {
      const { gateway, asked, answerWith } = yield* opening()
      const client = yield* openClient(gateway.url)
      const request = { symbol: "AAPL", invited: [oracle] }
      const opened = yield* client.call({ op: "request_consensus", id: "1", request })
      assert.deepInclude(opened, { type: "result" })
      assert.deepInclude(opened.data, { id: "1", op: "request_consensus", ok: true, consensus_id: ID })
      assert.match(tokensOf(opened.data).oracle!, /^[A-Za-z0-9_-]{43}$/)
      const cast = yield* client.call({ op: "vote", id: "2", consensus_id: ID, vote })
      assert.deepStrictEqual(cast.data, { id: "2", op: "vote", ok: true, accepted: true })
      assert.deepInclude(asked[1]?.payload, { proof: sha256("secret") })
      answerWith(() => Effect.fail({ _tag: "DuplicateVote", consensus_id: ID, agent_id: "oracle" }))
      const refused = yield* client.call({ op: "vote", id: "3", consensus_id: ID, vote })
      assert.deepInclude(refused.data, { id: "3", code: "refused", reason: "DuplicateVote" })
      answerWith(() => Effect.fail(new AskTimeout({ actor: "a", message_type: "b", timeout_ms: 5 })))
      const late = yield* client.call({ op: "vote", id: "4", consensus_id: ID, vote })
      assert.deepInclude(late.data, { id: "4", code: "unavailable" })
      answerWith(() => Effect.die(new Error("inside")))
      assert.deepInclude((yield* client.call({ op: "vote", id: "5", consensus_id: ID, vote })).data, {
        code: "internal"
      })
      const invalid = yield* client.call({ op: "vote", id: "6", consensus_id: ID, vote: { ...vote, confidence: 7 } })
      assert.deepInclude(invalid.data, { id: "6", code: "invalid_operation" })
      assert.match(JSON.stringify(invalid.data), /vote\.confidence/)
    })
  )

  it.live("no more questions are asked than may be without an answer", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* opening()
      answerWith(() => Effect.never)
      const client = yield* openClient(gateway.url)
      for (let index = 0; index < ASKING_MAX; index++)
        client.send({ op: "vote", id: `v${index}`, consensus_id: ID, vote })
      const refused = yield* client.call({ op: "vote", id: "more", consensus_id: ID, vote })
      assert.deepInclude(refused.data, { id: "more", code: "too_many_requests" })
      assert.deepInclude((yield* client.call({ op: "ping", id: "p" })).data, { ok: true })
    })
  )
})
