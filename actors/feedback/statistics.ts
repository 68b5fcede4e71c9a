// The statistics of a report, each with its source. Pure.
import { errorFunction, gammaln } from "simple-statistics"

/** Of 95%: the 0.975 quantile of the normal distribution. */
const Z = 1.959963984540054

/**
 * Wilson's score interval of a proportion, for 95%; `count` is above 0.
 * E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.
 */
export const wilson = (successes: number, count: number): { readonly low: number; readonly high: number } => {
  const rate = successes / count
  const centre = rate + Z ** 2 / (2 * count)
  const spread = Z * Math.sqrt((rate * (1 - rate)) / count + Z ** 2 / (4 * count ** 2))
  const scale = 1 + Z ** 2 / count
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) }
}

/** The percentile by nearest rank: the smallest of some ascending values that a part `p` of them does not exceed. */
export const percentile = (ascending: ReadonlyArray<number>, p: number): number =>
  ascending[Math.max(0, Math.ceil(p * ascending.length) - 1)]!

/** How likely a normal variable is at least this far from its mean, in standard deviations, on either side. */
const twoSided = (z: number): number => clampShare(1 - errorFunction(Math.abs(z) / Math.SQRT2))

const clampShare = (value: number): number => Math.max(0, Math.min(1, value))

/** The ranks of some values, 1 the smallest; equal values share the mean of theirs. */
const ranksOf = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const order = values.map((_, index) => index).toSorted((a, b) => values[a]! - values[b]!)
  const ranks = new Array<number>(values.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++
    for (let at = from; at <= to; at++) ranks[order[at]!] = (from + to) / 2 + 1
    from = to + 1
  }
  return ranks
}

/**
 * Whether values rise or fall with their place: Spearman's rank correlation with the place, and how likely one at least as
 * large is without a trend. Undefined where all values are equal.
 *
 * Under no trend r·√(n−1) is about standard normal, ties included (E. L. Lehmann, Nonparametrics, 1975). For successes
 * and failures this is the Cochran–Armitage test for a trend in proportions.
 */
export const trendTest = (
  values: ReadonlyArray<number>
): { readonly correlation: number; readonly p: number } | undefined => {
  const n = values.length
  const ranks = ranksOf(values)
  const middle = (n + 1) / 2
  let [together, spread, places] = [0, 0, 0]
  for (const [index, rank] of ranks.entries()) {
    const [a, b] = [rank - middle, index + 1 - middle]
    together += a * b
    spread += a * a
    places += b * b
  }
  if (n < 2 || spread === 0) return undefined
  const correlation = together / Math.sqrt(spread * places)
  return { correlation, p: twoSided(correlation * Math.sqrt(n - 1)) }
}

const logChoose = (n: number, k: number): number => gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

/**
 * Fisher's exact test, one-sided: how likely at least `hits` of the `marked` are among `drawn`, where `marked` of `all` are drawn blindly.
 * R. A. Fisher, Statistical Methods for Research Workers, 1934.
 */
export const fisher = (hits: number, drawn: number, marked: number, all: number): number => {
  let tail = 0
  for (let k = hits; k <= Math.min(drawn, marked); k++) {
    if (drawn - k > all - marked) continue
    tail += Math.exp(logChoose(marked, k) + logChoose(all - marked, drawn - k) - logChoose(all, drawn))
  }
  return clampShare(tail)
}
