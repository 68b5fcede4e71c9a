// Shares, and whether they are more than chance. Pure.
import { normalCdf } from "./normal.ts"

const EXACT_MAX = 1_000

/**
 * How likely `count` throws of a fair coin are at least as far from half heads as `hits`: the two-sided binomial test, exact up to
 * 1,000 throws, and by the normal distribution with its continuity correction beyond. 1 where there was no throw.
 */
export const coinTest = (hits: number, count: number): number => {
  const distance = Math.abs(hits - count / 2)
  if (distance === 0) return 1
  if (count > EXACT_MAX) {
    const z = (distance - 0.5) / Math.sqrt(count / 4)
    return Math.min(1, 2 * normalCdf(-z))
  }
  let tail = 0
  let logChoose = 0
  for (let heads = 0; heads <= count / 2 - distance + 1e-9; heads++) {
    tail += Math.exp(logChoose - count * Math.LN2)
    logChoose += Math.log((count - heads) / (heads + 1))
  }
  return Math.min(1, 2 * tail)
}

/** Mean, standard deviation, lowest and highest of some values, of which there is at least one. */
export const spreadOf = (values: ReadonlyArray<number>) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return {
    mean,
    deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)),
    lowest: Math.min(...values),
    highest: Math.max(...values)
  }
}
