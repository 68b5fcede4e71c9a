/** Decisions of one tenth of the confidences: how sure they were in the mean, and how often they were right. */
export interface Bin {
  readonly from: number
  readonly to: number
  readonly count: number
  readonly mean_confidence: number
  readonly accuracy: number
}

const BINS = 10

/** Confidences and whether they were right, by tenths; tenths without any are left out. */
export const binsOf = (
  scored: ReadonlyArray<{ readonly confidence: number; readonly right: boolean }>
): ReadonlyArray<Bin> =>
  Array.from({ length: BINS }, (_, index) => {
    const here = scored.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === index)
    return {
      from: index / BINS,
      to: (index + 1) / BINS,
      count: here.length,
      mean_confidence: here.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, here.length),
      accuracy: here.filter(({ right }) => right).length / Math.max(1, here.length)
    }
  }).filter(({ count }) => count > 0)
