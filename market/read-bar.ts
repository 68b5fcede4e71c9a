import type { Bar } from "../protocols/index.ts"

/** A bar as it was read. */
export interface ReadBar {
  readonly bar: Bar
  /** Its line in the file. */
  readonly line: number
  /** What the exchange's clock showed, as if that were UTC, in milliseconds since 1970: it says which day the bar is of. */
  readonly local: number
  /** What the file says of a split on that day: new shares for one old; 1 where there was none. */
  readonly split: number
}

/** The last time that counts: a day of the exchange, which counts whole, or an instant. In milliseconds since 1970. */
export type Until = { readonly dayEnds: number } | { readonly instant: number }

/** Whether a time comes after the last that counts. */
export const isAfter = (
  until: Until | undefined,
  moment: { readonly time: number; readonly local: number } | undefined
): boolean => {
  if (until === undefined || moment === undefined) return false
  return "instant" in until ? moment.time > until.instant : moment.local > until.dayEnds
}
