import fc from "fast-check"

/**
 * Numbers from `min` to `max`, evenly spread, with the ends and some round parts often, and at times as tiny as they get.
 *
 * fast-check's doubles are spread over all that a double can be: nearly all of those from 0 to 1 are next to 0.
 */
export const fraction = (min = 0, max = 1): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 999_983 }).map((n) => min + ((max - min) * n) / 999_983) },
    { weight: 2, arbitrary: fc.constantFrom(0, 0.1, 0.25, 0.5, 1).map((part) => min + (max - min) * part) },
    { weight: 1, arbitrary: fc.double({ min, max, noNaN: true }) }
  )
