const MINUTE_MILLIS = 60_000
const DAY_MILLIS = 86_400_000
const YEAR_DAYS = 365.25
/** Days on which a stock exchange is open in a year, where weekdays without trading are seen, or too few days to tell. */
const EXCHANGE_DAYS = 252
const WEEKDAYS = (YEAR_DAYS * 5) / 7
/** So many weekdays in a row without a single one off: a market that has no holidays. */
const WEEKDAYS_MIN = 60
/** More weekdays without bars are no holidays, but a hole in the data. */
const HOLIDAYS_MAX = 4
const WHOLE_DAYS_MIN = 3
const NIGHT_MILLIS = 2 * 3_600_000
/** Of a market that is open on all days two bars in seven are of weekends; some open on Sunday evening. */
const WEEKEND_SHARE_MIN = 0.15
/** What is remembered of a series, however long: differences of time, times of day, and sizes of days. */
const GAPS_MAX = 512
const TIMES_MAX = 90_000

/** Sessions that are known by when they begin, in minutes of the day, where less than one is seen: New York's, by UTC in summer and winter and by its own clock. */
const SESSIONS: ReadonlyArray<readonly [begin: number, length: number]> = [
  [13 * 60 + 30, 390],
  [14 * 60 + 30, 390],
  [9 * 60 + 30, 390]
]

/** How many bars of its kind a market has in a year. */
export interface TradingYear {
  readonly bars_per_year: number
  /** What it was taken for: `252 days of 390 bars`. */
  readonly year: string
}

/**
 * Finds out how many bars a market has in a year of trading, of the times of its bars: nights, weekends, holidays and holes
 * between them are no time in which prices move. In one pass, and in the same memory however many there are.
 */
export class TradingCalendar {
  readonly #gaps = new Map<number, number>()
  readonly #timesOfDay = new Set<number>()
  readonly #sizes = new Map<number, number>()
  #bars = 0
  #weekend = 0
  /** How many bars each day of the week has. */
  readonly #weekly = [0, 0, 0, 0, 0, 0, 0]
  /** Times of day, in milliseconds: of the last bar before a night, and of the first one after it. */
  #night: { readonly close: number; readonly open: number } | undefined
  #first = 0
  #last = 0
  #today = 0
  #days = 0
  #weekdaysSeen = 0
  #weekdaysOff = 0
  #weekendPassed = false

  /** The next bar, by when it begins: milliseconds since 1970, by the exchange's clock where that is known. */
  add(time: number): void {
    const day = Math.floor(time / DAY_MILLIS)
    if (this.#bars === 0) this.#first = time
    else this.#follow(time, day)
    this.#bars++
    this.#today++
    this.#last = time
    this.#weekly[weekdayOf(day)]!++
    if (isWeekend(day)) this.#weekend++
    if (this.#timesOfDay.size < TIMES_MAX) this.#timesOfDay.add(time - day * DAY_MILLIS)
  }

  /** What the times tell; nothing of fewer than two. */
  get found(): TradingYear | undefined {
    const interval = this.#interval
    if (interval === undefined) return undefined
    return interval >= DAY_MILLIS * 0.8 ? this.#ofDays(interval) : this.#ofSessions(interval)
  }

  #follow(time: number, day: number): void {
    const gap = time - this.#last
    if (this.#gaps.has(gap) || this.#gaps.size < GAPS_MAX) this.#gaps.set(gap, (this.#gaps.get(gap) ?? 0) + 1)
    const before = Math.floor(this.#last / DAY_MILLIS)
    if (day === before) return
    if (gap > NIGHT_MILLIS) {
      this.#night = { close: this.#last - before * DAY_MILLIS, open: time - day * DAY_MILLIS }
    }
    // The first day may have begun before the first bar.
    if (this.#days > 0 && this.#sizes.size < GAPS_MAX)
      this.#sizes.set(this.#today, (this.#sizes.get(this.#today) ?? 0) + 1)
    this.#days++
    this.#today = 0
    let off = 0
    for (let each = before + 1; each < day && each <= before + 10; each++) {
      if (isWeekend(each)) this.#weekendPassed = true
      else off++
    }
    if (off > HOLIDAYS_MAX) return
    this.#weekdaysOff += off
    this.#weekdaysSeen += off + (isWeekend(day) ? 0 : 1)
  }

  get #interval(): number | undefined {
    return [...this.#gaps].toSorted(([a, one], [b, other]) => other - one || a - b)[0]?.[0]
  }

  get #isDaily(): boolean {
    return this.#weekend >= this.#bars * WEEKEND_SHARE_MIN
  }

  /** Days may begin in the evening before by UTC: where five of a week have bars, they are weekdays whichever they are. */
  get #isOfAllDays(): boolean {
    if (this.#bars < 14) return this.#isDaily
    return this.#weekly.every((count) => count * 14 >= this.#bars)
  }

  #ofDays(interval: number): TradingYear {
    const days = interval / DAY_MILLIS
    if (days > 300) return { bars_per_year: 1, year: "years" }
    if (days > 80) return { bars_per_year: 4, year: "quarters" }
    if (days > 26) return { bars_per_year: 12, year: "months" }
    if (days > 5.5) return { bars_per_year: YEAR_DAYS / days, year: "weeks" }
    if (this.#isOfAllDays || days > 1.5) return { bars_per_year: YEAR_DAYS / days, year: "all days of a year" }
    return { bars_per_year: this.#weekdays, year: `${Math.round(this.#weekdays)} days` }
  }

  #ofSessions(interval: number): TradingYear {
    const inDay = Math.max(1, Math.round(DAY_MILLIS / interval))
    const session = this.#sessionOf(interval)
    const size = Math.min(session ?? inDay, inDay)
    // Some markets rest for an hour a day.
    const around = size >= inDay * 0.9
    const always = this.#isDaily || (around && !this.#weekendPassed)
    const days = always ? YEAR_DAYS : around ? WEEKDAYS : this.#weekdays
    return { bars_per_year: days * size, year: `${Math.round(days)} days of ${size} bars` }
  }

  get #weekdays(): number {
    return this.#weekdaysOff === 0 && this.#weekdaysSeen >= WEEKDAYS_MIN ? WEEKDAYS : EXCHANGE_DAYS
  }

  /** How many bars a day has; nothing where no night is seen and none is known. */
  #sessionOf(interval: number): number | undefined {
    const whole = [...this.#sizes].toSorted(([a], [b]) => a - b)
    const days = whole.reduce((sum, [, count]) => sum + count, 0)
    if (days >= WHOLE_DAYS_MIN) return medianOf(whole, days)
    const nights = [...this.#gaps.keys()].some((gap) => gap > 3 * interval)
    const night = this.#night
    if (night !== undefined && night.close > night.open) return Math.round((night.close - night.open) / interval) + 1
    if (this.#days > 0 && nights) return this.#timesOfDay.size
    const begin = (this.#first - Math.floor(this.#first / DAY_MILLIS) * DAY_MILLIS) / MINUTE_MILLIS
    const known =
      this.#days > 0
        ? undefined
        : SESSIONS.find(([at, length]) => at === begin && this.#last - this.#first < length * MINUTE_MILLIS)
    return known === undefined ? undefined : Math.ceil((known[1] * MINUTE_MILLIS) / interval)
  }
}

/** Of values with their counts, ascending: the upper one of the middle. */
const medianOf = (counted: ReadonlyArray<readonly [number, number]>, total: number): number => {
  let passed = 0
  for (const [value, count] of counted) {
    passed += count
    if (passed * 2 > total) return value
  }
  return counted.at(-1)?.[0] ?? 0
}

/** 0 is Sunday. The first of January 1970 was a Thursday. */
const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7
const isWeekend = (day: number): boolean => weekdayOf(day) % 6 === 0

/** The year of trading that bars with these times tell of; nothing of fewer than two. */
export const tradingYearOf = (times: ReadonlyArray<number>): TradingYear | undefined => {
  const calendar = new TradingCalendar()
  for (const time of times) calendar.add(time)
  return calendar.found
}
