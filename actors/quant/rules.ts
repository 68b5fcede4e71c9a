import type { BarWindow } from "../../protocols/index.ts"
import type { Regime } from "../tools/regime.ts"
import {
  AVERAGES,
  FALL,
  KIND,
  LIMITS,
  NEXT,
  PLACE,
  RANGE,
  SIZE,
  STRENGTH,
  TREND,
  TURN,
  VOLATILITY
} from "./readings.ts"
import { directional, percent, type Scores, unitInterval } from "./scores.ts"
import type { ToolSession } from "./tool-session.ts"

/** What a rule made of its tools: a score for each decision, as the logarithm of a weight, and why. */
export interface View {
  readonly scores: Scores
  readonly reasoning: string
}

/** A rule's view, or nothing where its tools say nothing. */
export type Rule = (session: ToolSession, bars: BarWindow) => View | undefined

/** Which way a market of this kind goes: 1 up, -1 down, 0 neither. */
export const directionOf = (regime: Regime): number =>
  regime.endsWith("_bullish") ? 1 : regime.endsWith("_bearish") ? -1 : 0

/** How much signals of direction count where the market has none. Below 0.2 the strongest of them still means HOLD. */
const TRUST: { readonly [R in Regime]?: number } = {
  sideways: 0.2,
  mean_reversion: 0.2,
  high_volatility: 0.2,
  low_volatility: 0.2,
  undetermined: 0.7
}

const UNKNOWN: { readonly regime: Regime; readonly reason: string } = {
  regime: "undetermined",
  reason: "no tool can tell it at present"
}

/** As people read it. */
export const named = (regime: Regime): string => regime.replace("_", " ")

/**
 * Trend and momentum: how far apart the averages are, and whether RSI and MACD agree; as much as the regime lets them
 * count.
 */
export const analyst: Rule = (session) => {
  const averages = session.need(AVERAGES)
  const strength = session.need(STRENGTH)
  const histogram = session.need(TURN)
  const range = session.need(RANGE)
  const kind = session.want(KIND) ?? UNKNOWN
  if (averages === undefined && strength === undefined && histogram === undefined) return undefined

  // In a market that stands still, rounding errors of the averages must not pass for a trend.
  const unit = Math.max(range?.size ?? 0, 1e-6 * (averages?.slow ?? 1))
  const trend = averages === undefined ? 0 : Math.tanh((averages.fast - averages.slow) / (2 * unit))
  const momentum = Math.tanh(((strength ?? 50) - 50) / 15)
  const turn = range === undefined ? Math.sign(histogram ?? 0) / 2 : Math.tanh((2 * (histogram ?? 0)) / unit)
  const signal = 0.5 * trend + 0.3 * momentum + 0.2 * turn
  const direction = directionOf(kind.regime)
  const score = direction === 0 ? (TRUST[kind.regime] ?? 1) * signal : 0.5 * signal + 0.5 * direction
  const slope = trend > 0.2 ? "up" : trend < -0.2 ? "down" : "flat"
  const agrees = Math.abs(momentum) < 0.2 ? "is undecided" : momentum * trend >= 0 ? "agrees" : "disagrees"
  const apart =
    averages === undefined
      ? ""
      : `The averages point ${slope}: the fast one is ${percent(Math.abs(averages.spread))} ` +
        `${averages.spread < 0 ? "below" : "above"} the slow one. `
  const line = histogram === undefined ? "" : `, the MACD histogram ${histogram < 0 ? "below" : "above"} zero`
  return {
    scores: directional(score),
    reasoning:
      `${apart}Momentum ${agrees}, at ${(strength ?? 50).toFixed(1)} of 100${line}. ` +
      `The regime is ${named(kind.regime)}: ${kind.reason}.`
  }
}

/** What a regime adds for someone who minds the risk: calm is a reason to buy only where the market goes somewhere. */
const CAUTION: { readonly [R in Regime]?: Scores } = {
  trending_bearish: { BUY: -1.2, SELL: 0.6, HOLD: 0 },
  breakout_bearish: { BUY: -1.2, SELL: 0.6, HOLD: 0 },
  sideways: { BUY: -1, SELL: 0, HOLD: 0 },
  mean_reversion: { BUY: -1, SELL: 0, HOLD: 0 },
  high_volatility: { BUY: -1.5, SELL: 0, HOLD: 0.4 },
  low_volatility: { BUY: -1, SELL: 0, HOLD: 0 },
  undetermined: { BUY: -0.5, SELL: 0, HOLD: 0 }
}

const NOTHING = { BUY: 0, SELL: 0, HOLD: 0 }

/** Volatility, drawdown and the last bar's shock: calm leaves room to buy, stress calls for waiting or getting out. */
export const risk: Rule = (session, bars) => {
  const volatility = session.need(VOLATILITY)
  const fall = session.need(FALL)
  const range = session.need(RANGE)
  const kind = session.want(KIND)
  const limits = session.want(LIMITS)
  const size = session.want(SIZE)
  if (volatility === undefined && fall === undefined && range === undefined) return undefined

  // The spread of a random walk over the window: what a fall has to be compared with.
  const usual = Math.max((volatility?.usual ?? range?.fraction ?? 0.01) * Math.sqrt(bars.time.length), 1e-6)
  const stress =
    0.4 * unitInterval((volatility?.relative ?? 1) - 0.8) +
    0.4 * unitInterval((fall?.current ?? 0) / (1.5 * usual)) +
    0.2 * unitInterval(((range?.shock ?? 1) - 1) / 2)
  const mood = stress < 0.3 ? "Conditions are calm" : stress < 0.6 ? "Risk is raised" : "The market is under stress"
  const caution = (kind === undefined ? undefined : CAUTION[kind.regime]) ?? NOTHING
  const breach = limits?.drawdown.status === "breached" ? 0.5 : 0
  const facts = [
    volatility &&
      `volatility runs at ${percent(volatility.annualized)} a year, ${volatility.relative.toFixed(2)} times its ` +
        "usual level",
    fall && `price is ${percent(fall.current)} below its ${bars.time.length}-bar high`,
    range && `a typical bar spans ${percent(range.fraction)}`,
    kind && `the regime is ${named(kind.regime)}`,
    size &&
      `a position may take ${percent(size.fraction)} of the equity ` +
        (size.stop_fraction < 1 ? `with a stop ${percent(size.stop_fraction)} away` : "with no room for a stop above 0")
  ].filter((fact) => fact !== undefined)
  return {
    scores: {
      BUY: 1.5 - 3 * stress - breach + caution.BUY,
      HOLD: 0.8 + caution.HOLD,
      SELL: 4 * stress - 2.2 + breach + caution.SELL
    },
    reasoning: `${mood}: ${facts.join("; ")}.`
  }
}

/** How much of a trend's rules and of a range's rules to follow in a regime, and how much to trust them at all. */
const planOf = (regime: Regime, index: number) => {
  const trending = unitInterval((index - 15) / 15)
  if (directionOf(regime) !== 0) return { trending: Math.max(0.7, trending), trust: 1 }
  if (regime === "mean_reversion") return { trending: 0, trust: 1 }
  return { trending, trust: TRUST[regime] ?? 1 }
}

/** From this chance on, what the Markov chain says could as well come from bars without memory. */
const SIGNIFICANT = 0.05

/** Which strategy fits: with a trend, follow it; where price turns back, fade the bands; where neither holds, wait. */
export const optimizer: Rule = (session) => {
  const trend = session.need(TREND)
  const place = session.need(PLACE)
  const kind = session.want(KIND) ?? UNKNOWN
  const chain = session.want(NEXT)
  if (trend === undefined && place === undefined) return undefined

  const { trending, trust } = planOf(kind.regime, trend?.index ?? 20)
  const lead = Math.max(-1, Math.min(1, 1.5 * (trend?.lead ?? 0)))
  const following = 0.5 * lead + 0.5 * (directionOf(kind.regime) || lead)
  const reverting = Math.max(-1, Math.min(1, 1 - 2 * (place ?? 0.5)))
  const known = chain !== undefined && chain.p_value < SIGNIFICANT ? chain.next.up - chain.next.down : 0
  const plan =
    trending > 0.5
      ? `following the trend, and ${lead === 0 ? "neither side leads" : lead > 0 ? "buyers lead" : "sellers lead"}`
      : "fading the bands"
  const where = place === undefined ? "" : ` Price is at ${percent(place, 0)} of its recent range.`
  const memory =
    known === 0
      ? ""
      : ` After such a bar, a rise is ${percent(Math.abs(known), 0)} ${known > 0 ? "more" : "less"} likely than a fall.`
  return {
    scores: directional(trust * (trending * following + (1 - trending) * reverting + 0.3 * known)),
    reasoning:
      `The regime is ${named(kind.regime)} (${kind.reason})` +
      `${trend === undefined ? "" : ` and the trend's strength ${trend.index.toFixed(1)} of 100`}, which ` +
      `favours ${plan}.${where}${memory}`
  }
}
