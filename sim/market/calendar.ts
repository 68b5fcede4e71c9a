// When a market trades.

const DAY = 24 * 3_600_000

/** The trading session of a day, in milliseconds after midnight UTC, and on which days of the week (0 is Sunday) there is one. */
export interface Calendar {
  readonly from: number
  readonly to: number
  readonly days: ReadonlyArray<number>
}

const WEEKDAYS = [1, 2, 3, 4, 5]

/** The hours of New York's exchanges in winter. */
export const TRADING_DAYS: Calendar = { from: 14.5 * 3_600_000, to: 21 * 3_600_000, days: WEEKDAYS }
export const WEEKDAYS_24H: Calendar = { from: 0, to: DAY, days: WEEKDAYS }
export const ALWAYS: Calendar = { from: 0, to: DAY, days: [0, 1, 2, 3, 4, 5, 6] }

/** The first bar at or after a time, in milliseconds since 1970. Bars of a day or more begin at midnight, others at the session's start. */
export const firstBar = (calendar: Calendar, time: number, interval: number): number => {
  if (interval >= DAY) return tradingDay(calendar, Math.ceil(time / DAY) * DAY)
  const day = tradingDay(calendar, Math.floor(time / DAY) * DAY)
  const opens = day + calendar.from
  if (time <= opens) return opens
  const next = opens + Math.ceil((time - opens) / interval) * interval
  return next < day + calendar.to ? next : tradingDay(calendar, day + DAY) + calendar.from
}

/** The bar after one that begins at a time. */
export const nextBar = (calendar: Calendar, time: number, interval: number): number => {
  if (interval >= DAY) return tradingDay(calendar, time + interval)
  const day = Math.floor(time / DAY) * DAY
  const next = time + interval
  return next < day + calendar.to ? next : tradingDay(calendar, day + DAY) + calendar.from
}

/** Where in its session a bar is, by its middle: 0 at the start, 1 at the end. */
export const sessionPart = (calendar: Calendar, time: number, interval: number): number => {
  const { from, to } = calendar
  return Math.max(0, Math.min(1, ((time % DAY) + interval / 2 - from) / (to - from)))
}

/** The length of a bar in sessions. */
export const sessionsOf = ({ from, to }: Calendar, interval: number): number =>
  interval >= DAY ? interval / DAY : interval / (to - from)

const tradingDay = ({ days }: Calendar, midnight: number): number => {
  let day = midnight
  while (!days.includes(new Date(day).getUTCDay())) day += DAY
  return day
}
