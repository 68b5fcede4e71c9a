// An agent of one's own: after each decision it has the house vote again, with a vote of its own among theirs.
import type { GatewayClient } from "@conclave/client"
import { Schema } from "effect"
import type { Decision } from "./streak.ts"

const AGENT = { agent_id: "contrarian", agent_type: "contrarian" }
const HOUSE = ["market_analyst", "risk_advisor", "strategy_optimizer"]
const LONG_STREAK = 3

const OTHER = { BUY: "SELL", SELL: "BUY", HOLD: "BUY" } as const

/** What it thinks: nothing goes on for ever. */
export const opinion = (decision: Decision, streak: number): { decision: Decision; confidence: number } => {
  if (streak < LONG_STREAK) return { decision, confidence: 0.4 }
  return { decision: OTHER[decision], confidence: Math.min(0.9, 0.4 + streak / 20) }
}

const decodeOpened = Schema.decodeUnknownSync(
  Schema.Struct({ consensus_id: Schema.String, tokens: Schema.Record(Schema.String, Schema.String) })
)
const decodeResult = Schema.decodeUnknownSync(
  Schema.Struct({ consensus_id: Schema.String, final_decision: Schema.String })
)

/** Opens a round on a symbol, votes in it, and gives the vote and what came of the round. */
export const voteOn = async (client: GatewayClient, symbol: string, decided: Decision, streak: number) => {
  const results = client.subscribe(`coordination.consensus_result.${symbol.replaceAll(".", "%2E")}`)
  const invited = [{ ...AGENT, external: true }]
  const request = { symbol, invited, agents: HOUSE, timeout_ms: 10_000 }
  const opened = decodeOpened(await client.request({ op: "request_consensus", request }))
  const { decision, confidence } = opinion(decided, streak)
  const reasoning = `${decided} was decided ${streak} times in a row`
  const token = opened.tokens[AGENT.agent_id] ?? ""
  const vote = { ...AGENT, token, decision, confidence, reasoning }
  await client.request({ op: "vote", consensus_id: opened.consensus_id, vote })
  for await (const { data } of results) {
    const { consensus_id, final_decision } = decodeResult(data.payload)
    if (consensus_id === opened.consensus_id) return { decision, result: final_decision }
  }
  throw new Error("the client was closed")
}
