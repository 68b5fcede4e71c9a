import { Schema } from "effect"
import type { BarWindow, Decision, PastDecision } from "../../protocols/index.ts"
import { defineTool, described, reading, wholeNumber } from "./tool.ts"

export const tradeReview = defineTool({
  name: "trade_review",
  about:
    "What became of the latest joint decisions: each BUY or SELL is a hit when the close `horizon` bars later " +
    "was on its side of the price it was made at. Also what following all of them bar by bar would have made, " +
    "before costs.",
  source:
    "Signed returns; the expected hit rate is the mean of a Beta(1, 1) prior updated by hits and misses " +
    "(Laplace's rule of succession)",
  warmUp: "horizon + 1 bars, and `minimum` past BUY or SELL decisions whose horizon is over within the window",
  substitutes: [],
  parameters: Schema.Struct({
    horizon: wholeNumber(5, 1, 64, "How long after a decision it is judged", "bars"),
    minimum: wholeNumber(3, 1, 32, "The least judged decisions worth a review", "decisions")
  }),
  result: Schema.Struct({
    reviewed: reading("BUY and SELL decisions that could be judged", "count"),
    hits: reading("Those on the right side", "count"),
    hit_rate: reading("Hits over reviewed", "0 to 1"),
    expected_hit_rate: reading("(hits + 1) / (reviewed + 2), what the next one may be expected to have", "0 to 1"),
    buy_return: described(Schema.NullOr(Schema.Finite), "Mean return after a BUY", "fraction, or null without one"),
    sell_return: described(Schema.NullOr(Schema.Finite), "Mean return after a SELL", "fraction, or null without one"),
    streak: reading("How many of the last were hits in a row; negative for misses", "count"),
    last: described(Schema.Literals(["BUY", "SELL"]), "The latest that was judged", "decision"),
    followed_return: reading("Of holding each decision (1, -1, 0) until the next", "fraction"),
    followed_drawdown: reading("The deepest fall on the way", "fraction of the peak"),
    not_judged: reading("HOLD decisions, those outside the window, and those whose horizon is not over", "count")
  }),
  needed: ({ horizon }) => horizon + 1,
  short: ({ bars, past }, { horizon, minimum }) => {
    const have = judgedOf(bars, past, horizon).length
    return have < minimum ? { of: "past decisions", needed: minimum, have } : undefined
  },
  compute: ({ bars, past }, { horizon }) => {
    const judged = judgedOf(bars, past, horizon)
    const hits = judged.filter(({ hit }) => hit).length
    const { total, drawdown } = follow(bars, past)
    return {
      reviewed: judged.length,
      hits,
      hit_rate: hits / judged.length,
      expected_hit_rate: (hits + 1) / (judged.length + 2),
      buy_return: meanReturn(judged, "BUY"),
      sell_return: meanReturn(judged, "SELL"),
      streak: streakOf(judged.map(({ hit }) => hit)),
      last: judged.at(-1)!.decision,
      followed_return: total,
      followed_drawdown: drawdown,
      not_judged: past.length - judged.length
    }
  }
})

interface Judged {
  readonly decision: "BUY" | "SELL"
  /** Of the price, whatever the decision was. */
  readonly move: number
  readonly hit: boolean
}

/** A price that stood still is nobody's hit. */
const judgedOf = ({ time, close }: BarWindow, past: ReadonlyArray<PastDecision>, horizon: number) =>
  past.flatMap(({ bar_time, price, decision }): ReadonlyArray<Judged> => {
    const at = time.indexOf(bar_time)
    const later = at === -1 ? undefined : close[at + horizon]
    if (later === undefined || decision === "HOLD") return []
    const move = later / price - 1
    return [{ decision, move, hit: decision === "BUY" ? move > 0 : move < 0 }]
  })

const meanReturn = (judged: ReadonlyArray<Judged>, decision: "BUY" | "SELL"): number | null => {
  const moves = judged.filter((each) => each.decision === decision).map(({ move }) => move)
  return moves.length === 0 ? null : moves.reduce((sum, move) => sum + move, 0) / moves.length
}

const streakOf = (hits: ReadonlyArray<boolean>): number => {
  const last = hits.at(-1)
  const other = hits.findLastIndex((hit) => hit !== last)
  return (hits.length - 1 - other) * (last === true ? 1 : -1)
}

const SIDES: { readonly [D in Decision]: number } = { BUY: 1, SELL: -1, HOLD: 0 }

/** The last decision on a bar holds from its close on. What is lost cannot be more than all there is. */
const follow = ({ time, close }: BarWindow, past: ReadonlyArray<PastDecision>) => {
  const sides = new Map(past.map(({ bar_time, decision }) => [bar_time, SIDES[decision]]))
  let side = 0
  let equity = 1
  let peak = 1
  let drawdown = 0
  for (let at = 1; at < close.length; at++) {
    side = sides.get(time[at - 1]!) ?? side
    equity *= Math.max(0, 1 + side * (close[at]! / close[at - 1]! - 1))
    peak = Math.max(peak, equity)
    drawdown = Math.max(drawdown, 1 - equity / peak)
  }
  return { total: equity - 1, drawdown }
}
