// Random variables from uniform ones.
import type { Prng } from "../world/prng.ts"

/** A standard normal number. G. E. P. Box, M. E. Muller, 1958. */
export const gaussian = (prng: Prng): number =>
  Math.sqrt(-2 * Math.log(1 - prng.next())) * Math.cos(2 * Math.PI * prng.next())

/** A gamma-distributed number with scale 1; `shape` is at least 1. G. Marsaglia, W. W. Tsang, 2000. */
export const gamma = (shape: number, prng: Prng): number => {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = gaussian(prng)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - prng.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/**
 * What a normal number is multiplied with to become Student's t of unit variance; `degrees` is above 2. One factor for several
 * normal numbers makes their large values come together.
 */
export const tailFactor = (degrees: number, prng: Prng): number =>
  Math.sqrt((degrees - 2) / Math.max(2 * gamma(degrees / 2, prng), 1e-12))
