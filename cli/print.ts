import { styleText } from "node:util"
import { Schema } from "effect"
import {
  type AnalysisResult,
  type Basis,
  ConsensusResult,
  type Decision,
  lacksViews,
  type Vote
} from "../protocols/index.ts"
import { intervalText } from "./market/file.ts"
import { counted, plain } from "./table.ts"

/** What a `final_decision` tells: the result, and the bar it was made on. */
const FinalDecision = Schema.Struct({
  data: Schema.Struct({
    payload: Schema.Struct({ bar_time: Schema.String, price: Schema.Finite })
  })
})
const Result = Schema.Struct({ data: Schema.Struct({ payload: ConsensusResult }) })

const decodeBar = Schema.decodeUnknownSync(FinalDecision)
const decodeResult = Schema.decodeUnknownSync(Result)

const COLORS = { BUY: "green", SELL: "red", HOLD: "yellow" } as const

/**
 * A joint decision as one line: day, symbol, price, decision, and the votes behind it. Nothing for one on a bar before
 * `pastUntil`, in milliseconds since 1970.
 *
 *     2008-10-10  GOOG      332.00  SELL 0.38 (strength 0.87)  all 3 agree      analyst SELL 0.38 · risk SELL 0.37 · …
 */
export const decisionLine = (event: unknown, pastUntil: number): string | undefined => {
  const { bar_time, price } = decodeBar(event).data.payload
  if (Date.parse(bar_time) < pastUntil) return undefined
  const { payload } = decodeResult(event).data
  return [
    barTimeText(bar_time),
    payload.symbol.padEnd(8),
    (price < 1e6 ? price.toPrecision(6) : price.toFixed(0)).padStart(8),
    colored(payload.final_decision, `${payload.final_decision.padEnd(4)} ${sureness(payload)}`),
    verdictOf(payload).padEnd(VERDICT_WIDTH),
    [...payload.votes.map(voteText), ...missingTexts(payload)].join(" · ")
  ].join("  ")
}

/** The answer to one request for people. */
export const analysisText = (result: AnalysisResult): string => {
  const { final_recommendation: decision } = result
  const votes = result.votes.map(
    (vote) => `  ${vote.agent_type.padEnd(19)} ${colored(vote.decision, voteFigures(vote))}  ${plain(vote.reasoning)}`
  )
  const missing = result.missing_agents.map((agent) => `  ${plain(agent)} did not vote`)
  const agreed = result.consensus_achieved ? "by consensus" : "without consensus"
  const verdict = lacksViews(result.votes) ? "in warm-up: no agent has enough bars for a view" : agreed
  return [
    `${result.symbol}: ${colored(decision, `${decision} ${sureness(result)}`)} ${verdict}`,
    ...votes,
    ...missing,
    ...(result.basis === undefined ? [] : [basisText(result.basis)]),
    `  consensus ${result.consensus_id}, correlation ${result.correlation_id}`
  ].join("\n")
}

/** `  on 128 bars, 1 day apart (252 a year), up to 2023-05-10 at 96.35, from ACME.csv`, and what looks wrong in them. */
const basisText = ({ bar_time, price, bars, interval_seconds, bars_per_year, source }: Basis): string => {
  const yearly = bars_per_year === undefined ? "" : ` (${Math.round(bars_per_year)} a year)`
  const apart = interval_seconds === null ? "" : `, ${intervalText(interval_seconds * 1_000)} apart${yearly}`
  const from = source === undefined ? "" : `, from ${plain(source.name)}`
  const on = `  on ${counted(bars, "bar")}${apart}, up to ${barTimeText(bar_time)} at ${Number(price.toPrecision(8))}${from}`
  return [on, ...(source?.warnings ?? []).map((text) => `  warning: ${plain(text)}`)].join("\n")
}

const barTimeText = (bar_time: string): string =>
  plain(bar_time)
    .replace("T00:00:00.000Z", "")
    .replace(/:00\.000Z$/, "")

const SHORT: Readonly<Record<string, string>> = {
  market_analyst: "analyst",
  risk_advisor: "risk",
  strategy_optimizer: "strategy",
  performance_coach: "coach"
}

const VERDICT_WIDTH = 17
const REASON_CHARACTERS_MAX = 200

const verdictOf = (result: ConsensusResult): string => {
  if (lacksViews(result.votes)) return "warm-up"
  if (!result.consensus_achieved) return result.resolution ?? "nobody voted"
  const agreeing = result.votes.filter((vote) => vote.decision === result.final_decision).length
  return agreeing === result.votes.length ? `all ${agreeing} agree` : `${agreeing} of ${result.votes.length} agree`
}

const voteText = (vote: Vote): string =>
  `${SHORT[vote.agent_type] ?? vote.agent_type} ${colored(vote.decision, voteFigures(vote))}`

const voteFigures = (vote: Vote): string => `${vote.decision.padEnd(4)} ${vote.confidence.toFixed(2)}`

/**
 * How likely a joint decision is to turn out right, and how strongly the votes speak for it where that is something else:
 * `0.27 (strength 0.55)`.
 */
export const sureness = (
  { confidence, strength }: { readonly confidence: number; readonly strength?: number },
  digits = 2
): string => {
  const [shown, strong] = [confidence.toFixed(digits), strength?.toFixed(digits)]
  return strong === undefined || strong === shown ? shown : `${shown} (strength ${strong})`
}

const missingTexts = (result: ConsensusResult): ReadonlyArray<string> =>
  result.missing_agents.map((agent) => {
    const why = result.abstentions.find((abstention) => abstention.agent_id === agent)?.reason ?? "no answer in time"
    return `${plain(agent)} is missing: ${plain(why, REASON_CHARACTERS_MAX)}`
  })

const colored = (decision: Decision, text: string): string =>
  process.stdout.isTTY ? styleText(COLORS[decision], text) : text
