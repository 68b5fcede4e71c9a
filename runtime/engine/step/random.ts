/** Numbers in [0, 1) that follow from a seed alone: mulberry32 (Tommy Ettinger), made when the first one is drawn. */
export const seededRandom = (seed: number): (() => number) => {
  let state = Math.imul(seed ^ (seed / 4294967296), 0x9e3779b1) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
