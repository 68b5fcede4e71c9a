import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Keys } from "../../gateway/operations/keys.ts"
import { http, openClient, startGateway } from "../support/gateway.ts"

const ROUND = "01J00000000000000000000000"
const KEY = "6f1c2a54-9c1e-4a34-8a53-2f6b4e1d0c77"
const post = (port: number, path: string, body: unknown, headers: Record<string, string> = {}) =>
  http(port, `/api/v1/agents/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

describe("a key that was used", () => {
  const VOTE = { agent_id: "a", agent_type: "o", token: "t".repeat(43), decision: "BUY", confidence: 1 }
  const BARS = [{ time: 0, open: 1, high: 1, low: 1, close: 1, volume: 1 }]
  const allocation = (symbol: string) => ({ holdings: [{ symbol, group: "g", current: 0 }], limits: LIMITS })
  const LIMITS = {
    ...{ gross: 1, net: 1, per_symbol: 0.3, per_group: 0.4, allow_short: true },
    drawdown: { from: 0.1, to: 0.3 }
  }
  /** Each operation twice, with another body the second time. */
  const operations: ReadonlyArray<readonly [path: string, one: object, other: object]> = [
    ["analyze", { symbol: "A" }, { symbol: "A", bars: BARS }],
    ["analyze/c1/cancel", { symbol: "A" }, { symbol: "A", reason: "other" }],
    ["allocation", allocation("A"), allocation("B")],
    ["consensus", { symbol: "A" }, { symbol: "A", timeout_ms: 5_000 }],
    [`consensus/${ROUND}/votes`, VOTE, { ...VOTE, agent_id: "b" }],
    [`consensus/${ROUND}/cancel`, {}, { reason: "other" }],
    ["message", { symbol: "A", text: "one" }, { symbol: "A", text: "other" }],
    ["portfolio/main/switch", { action: "flatten" }, { action: "stop_entries" }]
  ]

  it.live("is refused for another body, another operation, and over the other way in", () =>
    Effect.gen(function* () {
      const { gateway, answerWith, asked } = yield* startGateway()
      answerWith(() => Effect.fail({ _tag: "UnknownRound" }))
      const client = yield* openClient(gateway.url)
      for (const [index, [path, one, other]] of operations.entries()) {
        const key = KEY.replace(/^./, String(index))
        const send = (body: object, at = path) => post(gateway.port, at, body, { "idempotency-key": key })
        assert.strictEqual((yield* send(one)).status, 404, path)
        assert.strictEqual((yield* send(one)).status, 404, path)
        const count = asked.length
        assert.deepInclude((yield* send(other)).json, { status: 409, type: "urn:conclave:problem:key-reused" }, path)
        const [elsewhere] = operations[(index + 1) % operations.length]!
        const [, foreign] = operations[(index + 1) % operations.length]!
        assert.strictEqual((yield* send(foreign, elsewhere)).status, 409, path)
        const message = { op: "message", id: key, message: { symbol: "Z", text: "z" } }
        assert.deepInclude((yield* client.call(message)).data, { code: "refused", reason: "KeyReused" })
        assert.strictEqual(asked.length, count)
      }
    })
  )
})

describe("what is asked for again with its key", () => {
  it.live("counts once, also where both come at the same time, and is refused with what it would have cost", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ limits: { roundsMax: 2, roundsPerMinute: 25 } })
      answerWith(() => Effect.fail({ _tag: "UnknownRound" }))
      const round = (n: number) =>
        post(gateway.port, "consensus", { symbol: "A" }, { "idempotency-key": KEY.replace(/^./, String(n)) })
      const twice = yield* Effect.forEach([1, 1, 1, 1], round, { concurrency: "unbounded" })
      assert.deepStrictEqual(
        twice.map(({ status }) => status),
        [404, 404, 404, 404]
      )
      assert.strictEqual((yield* round(2)).status, 404)
      for (let count = 0; count < 2; count++) assert.match((yield* round(3)).text, /GATEWAY_ROUNDS\)/)
      for (let count = 0; count < 10; count++) assert.strictEqual((yield* round(1)).status, 404)
      const analysis = (n: number) =>
        post(gateway.port, "analyze", { symbol: "A" }, { "idempotency-key": KEY.replace(/^./, String(n)) })
      for (let count = 0; count < 10; count++) assert.strictEqual((yield* analysis(4)).status, 404)
    })
  )
})

describe("the keys of a gateway", () => {
  it("stand for one thing each, for a day, and the latest are remembered", () => {
    let now = 0
    const keys = new Keys(() => now)
    assert.deepStrictEqual([keys.claim("a", "1"), keys.claim("a", "1"), keys.claim("a", "2")], [true, true, false])
    keys.release("a", "2")
    assert.isFalse(keys.claim("a", "2"), "it never stood for that")
    keys.release("a", "1")
    assert.isTrue(keys.claim("a", "2"))
    now += 24 * 60 * 60_000
    assert.isTrue(keys.claim("a", "3"))
    for (let count = 0; count < 10_000; count++) assert.isTrue(keys.claim(`k${count}`, "1"))
    assert.deepStrictEqual([keys.claim("k9999", "2"), keys.claim("a", "4")], [false, true])
  })
})
