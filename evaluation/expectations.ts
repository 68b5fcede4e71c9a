// What is right in each kind of market, for whom, and why: the table that the agent tests are judged by.
import type { Decision } from "../protocols/index.ts"
import type { Regime } from "../sim/index.ts"

/** Who is asked: the agents by type, and the panel's joint decision. */
export const SUBJECTS = [
  "market_analyst",
  "risk_advisor",
  "strategy_optimizer",
  "performance_coach",
  "comprehensive",
  "joint"
] as const
/** One of them, or an agent type that does not come with the system. */
export type Subject = string

/** Whose task is to be careful, or who has no past to go by: they may wait where others should act. */
const CAREFUL: ReadonlyArray<Subject> = ["risk_advisor", "performance_coach"]

/** Those who have to act where it is called for: for the others HOLD is right in every kind of market. */
export const TRADERS: ReadonlyArray<Subject> = SUBJECTS.filter((subject) => !CAREFUL.includes(subject))

/** Decisions that are acceptable; the same always, or by how far the price is from the regime's mean, in standard deviations. */
type Accepted = ReadonlyArray<Decision> | ((distance: number) => ReadonlyArray<Decision>)

export interface Expectation {
  /** How many bars the regime has lasted when the agents are asked; before it the market went sideways, so that all see as many bars. */
  readonly bars: number
  readonly traders: Accepted
  readonly careful: Accepted
  /** Both in words, for people. */
  readonly words: readonly [traders: string, careful: string]
  readonly why: string
}

/** The middle of a range; beyond it price has somewhere to return to. */
const EDGE = 1

const towardsMean = (distance: number): ReadonlyArray<Decision> =>
  distance <= -EDGE ? ["BUY", "HOLD"] : distance >= EDGE ? ["SELL", "HOLD"] : ["HOLD"]
const TOWARDS = "HOLD; below its mean by a deviation also BUY, above it also SELL"

export const EXPECTATIONS: { readonly [R in Regime]: Expectation } = {
  trending_bullish: {
    ...{ bars: 100, traders: ["BUY"], careful: ["BUY", "HOLD"], words: ["BUY", "BUY or HOLD"] },
    why: "the drift is 3.7 standard errors: it is there, and it goes on"
  },
  trending_bearish: {
    ...{ bars: 100, traders: ["SELL"], careful: ["SELL", "HOLD"], words: ["SELL", "SELL or HOLD"] },
    why: "the same, downwards"
  },
  sideways: {
    ...{ bars: 100, traders: towardsMean, careful: ["HOLD"], words: [TOWARDS, "HOLD"] },
    why: "nothing goes anywhere; who trades pays for it, but for a turn at the edge of the range"
  },
  high_volatility: {
    ...{ bars: 25, traders: ["HOLD"], careful: ["HOLD", "SELL"], words: ["HOLD", "HOLD or SELL"] },
    why: "large moves without a direction: no entries, and who minds the risk may reduce"
  },
  low_volatility: {
    ...{ bars: 60, traders: towardsMean, careful: ["HOLD"], words: [TOWARDS, "HOLD"] },
    why: "calm is no direction"
  },
  breakout_bullish: {
    ...{ bars: 10, traders: ["BUY"], careful: ["BUY", "HOLD"], words: ["BUY", "BUY or HOLD"] },
    why: "price left its range by three times what it usually moves, and still moves on"
  },
  breakout_bearish: {
    ...{ bars: 10, traders: ["SELL"], careful: ["SELL", "HOLD"], words: ["SELL", "SELL or HOLD"] },
    why: "the same, downwards"
  },
  mean_reversion: {
    ...{ bars: 100, traders: towardsMean, careful: ["HOLD"], words: [TOWARDS, "HOLD"] },
    why: "half of a distance to the mean is gone in three bars: towards it, or not at all"
  }
}

/** An opinion is worth nothing if it is not surer than who knows nothing, who has a third for each decision. */
export const STRENGTH_MIN = 0.4

/** How long an answer may take, in milliseconds; for the joint decision that of all together. */
export const RESPONSE_MILLIS_MAX = 1_000

/** What is right for agents that do not come with the system, by type and regime; as for those who trade where nothing is said. */
export type OwnExpectations = ReadonlyMap<Subject, { readonly [R in Regime]?: ReadonlyArray<Decision> }>

/** What is acceptable from somebody, where the price is so many deviations from its mean. */
export const acceptedOf = (
  regime: Regime,
  subject: Subject,
  distance: number,
  own: OwnExpectations = new Map()
): ReadonlyArray<Decision> => {
  const said = own.get(subject)?.[regime]
  if (said !== undefined) return said
  const { traders, careful } = EXPECTATIONS[regime]
  const accepted = CAREFUL.includes(subject) ? careful : traders
  return typeof accepted === "function" ? accepted(distance) : accepted
}
