// Clocks of places, which are put forward and back.

const QUARTER_MILLIS = 15 * 60_000
const DAY_MILLIS = 24 * 3_600_000
const REMEMBERED_MAX = 4_096

/** Whether a name such as `Europe/Berlin` is one of a time zone. */
export const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name })
    return true
  } catch {
    return false
  }
}

/**
 * The clock of a place. It is asked one time after the other, as rows come: where an hour comes twice, a time that is not after the one
 * before it is of the second.
 */
export class ZoneClock {
  readonly #format: Intl.DateTimeFormat
  readonly #backwards: boolean
  readonly #offsets = new Map<number, number>()
  #last: number | undefined

  /** `backwards`: the rows are newest first. */
  constructor(timeZone: string, backwards: boolean) {
    const fields = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...fields })
    this.#backwards = backwards
  }

  /** The instant at which the clock shows `local`, both in milliseconds since 1970. An hour that is left out counts as the one before it. */
  timeAt(local: number): number {
    const before = this.#offsetAt(local - DAY_MILLIS)
    const after = this.#offsetAt(local + DAY_MILLIS)
    const times = [...new Set([local - before, local - after])]
      .filter((time) => this.#offsetAt(time) === local - time)
      .toSorted((a, b) => (this.#backwards ? b - a : a - b))
    const [first = local - before, second] = times
    const last = this.#last
    const isPast = last !== undefined && (this.#backwards ? first >= last : first <= last)
    const time = isPast && second !== undefined ? second : first
    this.#last = time
    return time
  }

  /** How far the clock is ahead of UTC. It changes at quarters of an hour, and the last of those are remembered. */
  #offsetAt(time: number): number {
    const quarter = Math.floor(time / QUARTER_MILLIS)
    const known = this.#offsets.get(quarter)
    if (known !== undefined) return known
    const parts = new Map(this.#format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
    const at = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const shown = Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute"))
    const offset = shown - Math.floor(time / 60_000) * 60_000
    if (this.#offsets.size >= REMEMBERED_MAX) this.#offsets.clear()
    this.#offsets.set(quarter, offset)
    return offset
  }
}
