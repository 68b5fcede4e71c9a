import { Clock, Effect } from "effect"
import type { AgentType, BarWindow, Decision, Opinion, Probabilities, ToolCall } from "../protocols/index.ts"
import { type Policy, PolicyError } from "./policy.ts"
import {
  averageTrueRange,
  bollingerBands,
  directionalIndex,
  drawdown,
  type Measurement,
  macd,
  movingAverages,
  realizedVolatility,
  rsi,
  type Tool
} from "./tools.ts"

/**
 * The policy that is always there: fixed rules on indicators, the same answer for the same bars.
 *
 * The constants below are round numbers from how the indicators are usually read, and were not fitted to any prices.
 * Everything is measured in the market's own volatility, so that minutes of a currency and days of a stock compare.
 * Fails for an agent type that has no rules here.
 */
export const quantPolicy: Policy = ({ agentType, bars, consensusId }) =>
  Effect.gen(function* () {
    if (!hasRules(agentType)) return yield* new PolicyError({ detail: `there are no quant rules for ${agentType}` })
    const clock = yield* Clock.Clock
    return quantOpinion(agentType, bars, {
      executionPrefix: `${consensusId}.${agentType}`,
      now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    })
  })

/** The agent types that have quant rules. */
export type QuantAgentType = "market_analyst" | "risk_advisor" | "strategy_optimizer"

export interface QuantOptions {
  /** What the execution ids of tool calls begin with, before a dot and the tool's name. */
  readonly executionPrefix: string
  /** Milliseconds from any origin; only differences are used, for `execution_time_ms`. */
  readonly now: () => number
}

/**
 * An agent type's opinion on a window. Pure, but for what `now` says.
 *
 * Where a tool has too few bars, the opinion is HOLD with each decision equally likely.
 */
export const quantOpinion = (
  type: QuantAgentType,
  bars: BarWindow,
  { executionPrefix, now }: QuantOptions
): Opinion => {
  const calls: Array<ToolCall> = []
  const use: Use = (tool) => {
    const startedAt = now()
    const measurement = tool.measure(bars)
    const id = `${executionPrefix}.${tool.name}`
    calls.push(toToolCall(id, tool.name, measurement, Math.max(0, now() - startedAt)))
    return measurement._tag === "Measured" ? measurement.value : undefined
  }
  const view = rules[type](use, bars) ?? unsure(calls)
  const probabilities = softmax(view.scores)
  const decision = likeliest(probabilities)
  return {
    decision,
    confidence: probabilities[decision],
    probabilities,
    reasoning: view.reasoning,
    tool_calls: calls,
    metadata: { policy: "quant" }
  }
}

/** What a rule made of its tools: a score for each decision, as the logarithm of a weight, and why. */
interface View {
  readonly scores: Probabilities
  readonly reasoning: string
}

type Use = <Value extends { readonly [field: string]: number }>(tool: Tool<Value>) => Value | undefined
type Rule = (use: Use, bars: BarWindow) => View | undefined

/** Trend and momentum: how far apart the averages are, and whether RSI and MACD agree. */
const analyst: Rule = (use) => {
  const averages = use(movingAverages)
  const strength = use(rsi)
  const convergence = use(macd)
  const range = use(averageTrueRange)
  if (!averages || !strength || !convergence || !range) return undefined

  // In a market that stands still, rounding errors of the averages must not pass for a trend.
  const unit = Math.max(range.atr, 1e-6 * averages.slow)
  const trend = Math.tanh((averages.fast - averages.slow) / (2 * unit))
  const momentum = Math.tanh((strength.rsi - 50) / 15)
  const turn = Math.tanh((2 * convergence.histogram) / unit)
  const score = 0.5 * trend + 0.3 * momentum + 0.2 * turn
  const direction = trend > 0.2 ? "up" : trend < -0.2 ? "down" : "flat"
  const agrees = Math.abs(momentum) < 0.2 ? "is undecided" : momentum * trend >= 0 ? "agrees" : "disagrees"
  return {
    scores: directional(score),
    reasoning:
      `The trend is ${direction}: the 20-bar average is ${percent(Math.abs(averages.spread))} ` +
      `${averages.spread < 0 ? "below" : "above"} the 50-bar one. Momentum ${agrees}, with RSI at ` +
      `${strength.rsi.toFixed(1)} and the MACD histogram ${convergence.histogram < 0 ? "below" : "above"} zero.`
  }
}

/** Volatility, drawdown and the last bar's shock: calm leaves room to buy, stress calls for waiting or getting out. */
const risk: Rule = (use, bars) => {
  const volatility = use(realizedVolatility)
  const fall = use(drawdown)
  const range = use(averageTrueRange)
  if (!volatility || !fall || !range) return undefined

  // The spread of a random walk over the window: what a fall has to be compared with.
  const usual = Math.max(volatility.usual * Math.sqrt(bars.time.length), 1e-6)
  const stress =
    0.4 * unitInterval(volatility.relative - 0.8) +
    0.4 * unitInterval(fall.current / (1.5 * usual)) +
    0.2 * unitInterval((range.shock - 1) / 2)
  const mood = stress < 0.3 ? "Conditions are calm" : stress < 0.6 ? "Risk is raised" : "The market is under stress"
  return {
    scores: { BUY: 1.5 - 3 * stress, HOLD: 0.8, SELL: 4 * stress - 2.2 },
    reasoning:
      `${mood}: volatility runs at ${percent(volatility.annualized)} a year, ${volatility.relative.toFixed(2)} times ` +
      `its usual level. Price is ${percent(fall.current)} below its ${bars.time.length}-bar high, and a typical bar ` +
      `spans ${percent(range.fraction)}.`
  }
}

/** Which strategy fits: without a trend, fade the bands; with one, follow it; in between, some of both. */
const optimizer: Rule = (use) => {
  const index = use(directionalIndex)
  const bands = use(bollingerBands)
  if (!index || !bands) return undefined

  const trending = unitInterval((index.adx - 15) / 15)
  const total = index.plus_di + index.minus_di
  const following = total === 0 ? 0 : Math.max(-1, Math.min(1, (1.5 * (index.plus_di - index.minus_di)) / total))
  const reverting = Math.max(-1, Math.min(1, 1 - 2 * bands.percent_b))
  const plan =
    trending > 0.5
      ? `ADX at ${index.adx.toFixed(1)} favours following the trend, and ${leader(index)}`
      : `ADX at ${index.adx.toFixed(1)} shows little trend, which favours fading the bands`
  return {
    scores: directional(trending * following + (1 - trending) * reverting),
    reasoning:
      `${plan}. Price is at ${percent(bands.percent_b, 0)} of its Bollinger range, ` +
      `which is ${percent(bands.bandwidth)} wide.`
  }
}

const rules = { market_analyst: analyst, risk_advisor: risk, strategy_optimizer: optimizer } as const

const hasRules = (type: AgentType): type is QuantAgentType => Object.hasOwn(rules, type)

const leader = ({ plus_di, minus_di }: { readonly plus_di: number; readonly minus_di: number }) =>
  plus_di === minus_di ? "neither side leads" : plus_di > minus_di ? "buyers lead" : "sellers lead"

const unsure = (calls: ReadonlyArray<ToolCall>): View => ({
  scores: { BUY: 0, SELL: 0, HOLD: 0 },
  reasoning: `No view yet: ${calls.flatMap((call) => call.error_message ?? []).join("; ")}.`
})

const toToolCall = (id: string, name: string, measured: Measurement<unknown>, elapsedMillis: number): ToolCall => {
  const call = { execution_id: id, tool_name: name, execution_time_ms: elapsedMillis }
  if (measured._tag === "Measured") return { ...call, status: "success", result: measured.value }
  const reason =
    measured._tag === "TooFewBars"
      ? `${name} needs ${measured.needed} bars and has ${measured.have}`
      : `${name} leaves the range of numbers on these prices`
  return { ...call, status: "failed", result: null, error_message: reason }
}

/** Scores of a view between -1 (sell) and 1 (buy): near 0 HOLD is likeliest, at the ends it hardly counts. */
const directional = (score: number): Probabilities => ({ BUY: 3 * score, SELL: -3 * score, HOLD: 0.6 })

const ORDER = ["HOLD", "SELL", "BUY"] as const

const softmax = (scores: Probabilities): Probabilities => {
  const greatest = Math.max(scores.BUY, scores.SELL, scores.HOLD)
  const weigh = (decision: Decision) => Math.exp(scores[decision] - greatest)
  const total = weigh("BUY") + weigh("SELL") + weigh("HOLD")
  return { BUY: weigh("BUY") / total, SELL: weigh("SELL") / total, HOLD: weigh("HOLD") / total }
}

/** Ties go to HOLD before SELL before BUY. */
const likeliest = (probabilities: Probabilities): Decision =>
  ORDER.reduce<Decision>((best, next) => (probabilities[next] > probabilities[best] ? next : best), "HOLD")

const unitInterval = (value: number): number => Math.max(0, Math.min(1, value))

const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)}%`
