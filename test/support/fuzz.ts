// Operations, requests and bytes as nobody would send them, from a seed.
import * as fc from "fast-check"

const SYMBOLS = ["ACME", "GLOBEX", "INITECH", ...Array.from({ length: 20 }, (_, index) => `FUZZ${index}`)]
const ROUND = "01HNZX8JGFACFA36RBXDHEQN8B"

const symbol = fc.constantFrom(...SYMBOLS)
/** What JSON can hold and nobody expects. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom("__proto__", "constructor", "\ud800", "\u202e", "\r\nX: y", "NaN", "Infinity", "a.b", ">", "%00"),
  fc.constantFrom(1e308, -1e308, 5e-324, 2 ** 53, -0),
  fc.string({ maxLength: 4_000, size: "max" })
)
const or = <A>(usual: fc.Arbitrary<A>) => fc.oneof({ weight: 4, arbitrary: usual }, { weight: 1, arbitrary: odd })
const id = fc.string({ minLength: 1, maxLength: 12 })
const millis = or(fc.integer({ min: 0, max: 3_000 }))
const bars = fc.array(
  fc.record({
    time: or(fc.nat()),
    open: or(fc.double()),
    high: or(fc.nat(200)),
    low: or(fc.nat(50)),
    close: or(fc.nat(100))
  }),
  { maxLength: 140 }
)
const partly = { requiredKeys: ["op", "id"] as ["op", "id"] }

const analysis = fc.record(
  { symbol, timeout_ms: millis, bars, context: or(fc.constant([])) },
  { requiredKeys: ["symbol"] }
)
const round = fc.record(
  {
    symbol,
    timeout_ms: millis,
    invited: fc.array(fc.record({ agent_id: or(id), agent_type: or(id), external: fc.boolean() }), { maxLength: 5 }),
    method: or(fc.constantFrom("simple_majority", "unanimous", "log_opinion_pool")),
    conflict_resolution: or(fc.constantFrom("escalate_to_human", "conservative_bias")),
    weights: odd,
    quorum: or(fc.nat(4))
  },
  { requiredKeys: ["symbol"] }
)
const vote = fc.record({
  agent_id: or(id),
  agent_type: or(id),
  token: or(id),
  decision: or(fc.constant("BUY")),
  confidence: or(fc.double())
})
const start = or(fc.oneof(fc.constantFrom("new", "last"), fc.record({ seq: fc.nat() })))

const operation: fc.Arbitrary<unknown> = fc.oneof(
  fc.record(
    {
      op: fc.constant("subscribe"),
      id,
      pattern: or(fc.constantFrom(">", "decision.>", "market.*", "alert.>")),
      start,
      on_slow: odd
    },
    partly
  ),
  fc.record({ op: fc.constantFrom("unsubscribe", "ping"), id: or(id) }),
  fc.record({ op: fc.constant("auth"), id, token: or(id) }),
  fc.record({ op: fc.constant("analyze"), id, request: or(analysis), progress: odd }, partly),
  fc.record({ op: fc.constant("request_consensus"), id, request: or(round) }),
  fc.record({ op: fc.constant("vote"), id, consensus_id: or(fc.constant(ROUND)), vote: or(vote) }),
  fc.record({ op: fc.constant("cancel"), id, of: or(fc.constant({ consensus_id: ROUND })) }),
  fc.record({ op: fc.constant("message"), id, message: or(fc.record({ symbol, text: or(id) })) }),
  fc.record({ op: fc.constant("status"), id, of: or(fc.record({ symbol })) }),
  odd
)

/** A text that was an operation, or nearly. */
const text = fc.tuple(operation, fc.nat(20), fc.nat()).map(([value, how, where]) => {
  const json = JSON.stringify(value) ?? "undefined"
  const at = where % (json.length + 1)
  if (how === 0) return json.slice(0, at)
  if (how === 1) return `${json.slice(0, at)}\u0000${json.slice(at)}`
  return how === 2 ? json + json : json
})
const bytes = fc.uint8Array({ maxLength: 300, size: "max" })

/** What a WebSocket client sends. */
export const frames: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 30, arbitrary: text },
  { weight: 1, arbitrary: bytes }
)

const path = fc.constantFrom(
  "/api/v1/agents/analyze",
  "/api/v1/agents/allocation",
  "/api/v1/agents/consensus",
  `/api/v1/agents/consensus/${ROUND}/votes`,
  `/api/v1/agents/consensus/${ROUND}`,
  "/api/v1/agents/message",
  "/api/v1/agents/status?symbol=ACME",
  "/api/v1/agents/portfolio/main",
  "/api/v1/market/FUZZ1/bars",
  "/metrics",
  "/readyz",
  "/openapi.json",
  "/nothing?%zz",
  "/ws"
)

/** An HTTP request, as its text. */
export const requests: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom("GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"),
    path,
    fc.oneof(analysis, round, vote, odd),
    fc.constantFrom(
      "",
      "",
      "",
      "transfer-encoding: chunked\r\n",
      "content-length: -1\r\n",
      "origin: null\r\n",
      "host: x\r\n"
    ),
    fc.oneof({ weight: 20, arbitrary: fc.constant(new Uint8Array()) }, { weight: 1, arbitrary: bytes })
  )
  .map(([method, place, body, header, rest]) => {
    const json = JSON.stringify(body) ?? ""
    const head = `${method} ${place} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${header}`
    return Buffer.concat([Buffer.from(`${head}content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`), rest])
  })
