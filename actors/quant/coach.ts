import { KIND, REVIEW } from "./readings.ts"
import { directionOf, named, type Rule } from "./rules.ts"
import { directional, percent, type Scores } from "./scores.ts"

/** A fall of those who followed the decisions from which on it is worth waiting. */
const DRAWDOWN_BOUND = 0.1

/**
 * Looks at what became of past decisions. It takes what the regime favours, strengthens the side that has been right,
 * and leans against the one that has been failing: first by HOLD, and only weakly by its opposite.
 */
export const coach: Rule = (desk) => {
  const kind = desk.want(KIND)
  const review = desk.want(REVIEW)
  if (kind === undefined && review === undefined) return undefined

  const base = directional(kind === undefined ? 0 : 0.4 * directionOf(kind.regime))
  const market = kind === undefined ? "" : ` The regime is ${named(kind.regime)}.`
  if (review === undefined) {
    return { scores: base, reasoning: `There are too few past decisions to learn from.${market}` }
  }
  // From -1, where all were misses, to 1, where all were hits; nearer to 0 the fewer there are.
  const edge = 2 * review.expected_hit_rate - 1
  const waiting = review.followed_drawdown > DRAWDOWN_BOUND ? 0.5 : 0
  const scores = edge < 0 ? against(base, review.last, -edge) : { ...base, [review.last]: base[review.last] + edge }
  const advice = edge < 0 ? `leans against ${review.last}` : `trusts ${review.last} a little more`
  return {
    scores: { ...scores, HOLD: scores.HOLD + waiting },
    reasoning:
      `Of ${review.reviewed} decisions ${review.hits} were right, and the last ${Math.abs(review.streak)} ` +
      `${review.streak > 0 ? "hit" : "missed"}; following them made ${percent(review.followed_return)} with a fall of ` +
      `${percent(review.followed_drawdown)} on the way. That ${advice}.${market}`
  }
}

const against = (base: Scores, side: "BUY" | "SELL", failing: number): Scores => {
  const other = side === "BUY" ? "SELL" : "BUY"
  return {
    ...base,
    [side]: base[side] - 3 * failing,
    [other]: base[other] + 0.5 * failing,
    HOLD: base.HOLD + failing
  }
}
