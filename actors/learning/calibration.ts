// Reliability of stated confidences, in ten bins of fixed size: bounded, whatever the number of votes.
import { Schema } from "effect"
import { type CalibrationBin, open } from "../../protocols/index.ts"

export const BINS = 10

/** One bin: how many votes, the sum of their confidences, and how many were right. */
export const Bin = open({ count: Schema.Int, confidence_sum: Schema.Finite, correct: Schema.Int })
export type Bin = typeof Bin.Type

export const emptyBins: ReadonlyArray<Bin> = Array.from({ length: BINS }, () => ({
  count: 0,
  confidence_sum: 0,
  correct: 0
}))

/** Which bin a confidence belongs to. Bins hold their lower end; the last one holds 1 too. */
export const binOf = (confidence: number): number => Math.min(BINS - 1, Math.floor(confidence * BINS))

/** The bins with one more vote. */
export const addToBins = (bins: ReadonlyArray<Bin>, confidence: number, correct: boolean): ReadonlyArray<Bin> => {
  const index = binOf(confidence)
  const bin = bins[index]!
  return bins.with(index, {
    ...bin,
    count: bin.count + 1,
    confidence_sum: bin.confidence_sum + confidence,
    correct: bin.correct + (correct ? 1 : 0)
  })
}

/** The calibration curve: per bin the mean confidence and the part that was right. Where there is no vote they are null. */
export const calibrationCurve = (bins: ReadonlyArray<Bin>): ReadonlyArray<typeof CalibrationBin.Type> =>
  bins.map(({ count, confidence_sum, correct }, index) => ({
    from: index / BINS,
    to: (index + 1) / BINS,
    count,
    mean_confidence: count === 0 ? null : Math.min(1, confidence_sum / count),
    accuracy: count === 0 ? null : correct / count
  }))

/**
 * The expected calibration error: Σ n_b/n · |accuracy_b − confidence_b| over the bins; null without a vote.
 *
 * M. P. Naeini, G. F. Cooper, M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
 */
export const calibrationError = (bins: ReadonlyArray<Bin>): number | null => {
  const total = bins.reduce((sum, bin) => sum + bin.count, 0)
  if (total === 0) return null
  const distance = bins.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.confidence_sum), 0)
  return Math.min(1, distance / total)
}
