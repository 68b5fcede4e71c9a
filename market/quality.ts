// What looks wrong in bars that are read, and what kind of series they are. In one pass, and in the same memory however many there are.
import { spanText, TradingCalendar, type TradingYear } from "../protocols/index.ts"
import { type Notice, Notices } from "./notices.ts"
import type { ReadBar } from "./read-bar.ts"
import { Scale } from "./scale.ts"

/** A price so many times another is no move of a market. */
const OUTLIER_RATIO = 5
const FLAT_BARS = 10
const DAY_MILLIS = 86_400_000
const GAPS_MAX = 512
const HOLES_MAX = 64
const SPLITS: ReadonlyArray<readonly [number, string]> = [
  [1.5, "3 for 2"],
  ...[2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 50].map((ratio) => [ratio, `${ratio} for 1`] as const)
]

interface Jump {
  readonly line: number
  readonly before: number
  readonly after: number
  readonly ratio: number
}

/** A stretch without bars: from the last bar before it to the first after it, in milliseconds since 1970. */
export interface Gap {
  readonly line: number
  readonly from: number
  readonly to: number
}

/** What kind of series the bars are. */
export interface Series {
  readonly bars: number
  /** The exchange's clock at the first and last bar, as if it were UTC. */
  readonly first: number
  readonly last: number
  /** The usual time from one bar to the next, in milliseconds; nothing where there is one bar. */
  readonly intervalMillis: number | undefined
  /** Bars by the minute of the day in which they begin, by the exchange's clock, where they are shorter than a day. */
  readonly session: { readonly from: number; readonly to: number } | undefined
  /** On how many days of the week there are bars. */
  readonly weekdays: number
  /** How many such bars a year of trading has; nothing where there is one bar. */
  readonly year: TradingYear | undefined
}

/** Looks at bars, oldest first. */
export class Quality {
  readonly #notices = new Notices()
  readonly #gaps = new Map<number, number>()
  #long: Array<Gap> = []
  readonly #minutes = new Map<number, number>()
  readonly #weekdays = new Set<number>()
  readonly #without = new Notices()
  readonly #calendar = new TradingCalendar()
  readonly #scale = new Scale()
  #bars = 0
  #withVolume = 0
  #first = 0
  #last: ReadBar | undefined
  #jump: Jump | undefined
  #spread = 0
  #flatFrom = 0
  #flat = 0

  add(read: ReadBar): void {
    const before = this.#last
    this.#last = read
    this.#bars++
    const { bar, line, local } = read
    if (bar.volume > 0) this.#withVolume++
    else this.#without.add("no_volume", line)
    this.#calendar.add(local)
    this.#weekdays.add(new Date(local).getUTCDay())
    const minute = Math.floor((((local % DAY_MILLIS) + DAY_MILLIS) % DAY_MILLIS) / 60_000)
    this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + 1)
    const [top, bottom] = [Math.max(bar.open, bar.close), Math.min(bar.open, bar.close)]
    const spiked = bar.high > top * OUTLIER_RATIO || bar.low * OUTLIER_RATIO < bottom
    if (spiked) this.#notices.add("outlier", line)
    if (before === undefined) {
      this.#first = local
      return
    }
    this.#gap(before, read)
    this.#moves(before, read)
    this.#stillness(before, read)
  }

  /** All warnings about the bars that were added. */
  get notices(): ReadonlyArray<Notice> {
    const told = this.#notices.copy
    if (this.#jump !== undefined) tellJump(told, this.#jump)
    for (const gap of this.holes) told.add("hole", gap.line, gapText(gap))
    if (this.#flat >= FLAT_BARS) told.add("flat", this.#flatFrom)
    const silent = this.#withVolume > 0 ? this.#without.all : []
    return [...told.all, ...silent]
  }

  /** Stretches without bars that are far longer than those that come again and again, as nights and weekends do. */
  get holes(): ReadonlyArray<Gap> {
    const interval = this.#interval
    if (interval === undefined) return []
    const often = Math.max(3, Math.ceil(this.#bars * 0.005))
    let [count, regular] = [0, interval]
    for (const [gap, times] of [...this.#gaps].toSorted(([a], [b]) => b - a)) {
      count += times
      if (count >= often) {
        regular = Math.max(interval, gap)
        break
      }
    }
    const least = interval >= DAY_MILLIS ? Math.max(2 * interval, 14 * DAY_MILLIS) : 3 * interval
    return this.#long
      .filter(({ from, to }) => to - from > Math.max(3 * regular, least))
      .toSorted((a, b) => a.line - b.line)
  }

  get series(): Series {
    const interval = this.#interval
    const session = interval === undefined || interval >= DAY_MILLIS ? undefined : this.#session
    return {
      bars: this.#bars,
      first: this.#first,
      last: this.#last?.local ?? 0,
      intervalMillis: interval,
      session,
      weekdays: this.#weekdays.size,
      year: this.#calendar.found
    }
  }

  get #interval(): number | undefined {
    return [...this.#gaps].toSorted(([a, one], [b, other]) => other - one || a - b)[0]?.[0]
  }

  /** From the first to the last minute of the day that has bars on more than a tenth of the days. */
  get #session(): { readonly from: number; readonly to: number } | undefined {
    const most = Math.max(...this.#minutes.values())
    const usual = [...this.#minutes].filter(([, count]) => count * 10 >= most).map(([minute]) => minute)
    return usual.length === 0 ? undefined : { from: Math.min(...usual), to: Math.max(...usual) }
  }

  #gap(before: ReadBar, read: ReadBar): void {
    const gap = read.bar.time - before.bar.time
    const change = this.#scale.add(gap, read.line)
    if (change !== undefined) {
      const { line, from, to } = change
      this.#notices.add("mixed_intervals", line, `the first from ${spanText(from)} to ${spanText(to)}`)
    }
    if (this.#gaps.has(gap) || this.#gaps.size < GAPS_MAX) this.#gaps.set(gap, (this.#gaps.get(gap) ?? 0) + 1)
    const shortest = this.#long.at(-1)
    if (this.#long.length >= HOLES_MAX && shortest !== undefined && gap <= shortest.to - shortest.from) return
    this.#long.push({ line: read.line, from: before.local, to: read.local })
    this.#long.sort((a, b) => b.to - b.from - (a.to - a.from))
    this.#long = this.#long.slice(0, HOLES_MAX)
  }

  #moves(before: ReadBar, read: ReadBar): void {
    const move = Math.abs(Math.log(read.bar.close / before.bar.close))
    const jump = this.#jump
    if (jump !== undefined) {
      this.#jump = undefined
      const back = Math.abs(Math.log(read.bar.close / jump.before))
      const stays = Math.abs(Math.log(read.bar.close / jump.after))
      if (back < stays) {
        const times = jump.ratio >= 1 ? jump.ratio : 1 / jump.ratio
        if (times > OUTLIER_RATIO) this.#notices.add("outlier", jump.line)
        // Back where it was: that is no jump of its own.
        return
      }
      tellJump(this.#notices, jump)
    }
    const ratio = read.bar.open / before.bar.close
    const unusual = Math.max(Math.log(1.4), 10 * this.#spread)
    const close = read.bar.close / before.bar.close
    const seen = Math.abs(Math.log(ratio)) > Math.abs(Math.log(close)) * 0.5 ? ratio : close
    if (Math.abs(Math.log(seen)) > unusual) {
      this.#jump = { line: read.line, before: before.bar.close, after: read.bar.close, ratio: seen }
      return
    }
    this.#spread = this.#spread === 0 ? move : 0.97 * this.#spread + 0.03 * move
  }

  #stillness(before: ReadBar, { bar }: ReadBar): void {
    const { close } = before.bar
    const still = bar.open === close && bar.high === close && bar.low === close && bar.close === close
    if (still) {
      if (this.#flat === 0) this.#flatFrom = before.line
      this.#flat++
      return
    }
    if (this.#flat >= FLAT_BARS) this.#notices.add("flat", this.#flatFrom)
    this.#flat = 0
  }
}

const tellJump = (notices: Notices, { line, ratio }: Jump): void => {
  const factor = ratio >= 1 ? ratio : 1 / ratio
  const split = SPLITS.find(([each]) => Math.abs(Math.log(factor / each)) < 0.06)
  if (split === undefined) notices.add("jump", line, `to ${Number(ratio.toPrecision(3))} times the close before`)
  else notices.add("split_like", line, `${ratio < 1 ? "" : "reversed, "}${split[1]} or nearly so`)
}

const dayText = (millis: number): string => new Date(millis).toISOString().slice(0, 10)
const gapText = ({ from, to }: Gap): string => `the first from ${dayText(from)} to ${dayText(to)}`
