import { wilson } from "../actors/index.ts"

/** A share of some, with Wilson's interval for 95%. */
export interface HitRate {
  readonly hits: number
  readonly count: number
  readonly rate: number | null
  readonly low: number
  readonly high: number
}

/** So many of a count, with their interval; from 0 to 1 without any. */
export const shareOf = (hits: number, count: number): HitRate => ({
  hits,
  count,
  rate: count === 0 ? null : hits / count,
  ...(count === 0 ? { low: 0, high: 1 } : wilson(hits, count))
})
