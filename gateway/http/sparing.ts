/** The part of the time that is spent on what is made for whoever asks. */
const SHARE = 1 / 20

/**
 * What `make` gives, made anew only when twenty times as long has passed as it took: however often somebody asks, it takes no more
 * than a twentieth of the time. `now` is in milliseconds, on any clock that only goes forward.
 */
export const sparing = <A>(make: () => A, now: () => number = () => performance.now()): (() => A) => {
  let last: { readonly value: A; readonly until: number } | undefined
  return () => {
    const began = now()
    if (last !== undefined && began < last.until) return last.value
    const value = make()
    const ended = now()
    last = { value, until: ended + (ended - began) / SHARE }
    return value
  }
}
