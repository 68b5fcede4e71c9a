const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)(?:(?<=:\d\d:\d\d)(\.\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?$/i

/** A day, or an instant. In milliseconds since 1970: of a day, when it begins in UTC. */
export interface IsoTime {
  readonly millis: number
  readonly isDay: boolean
}

/**
 * Reads a date, or a date with a time, as ISO 8601 writes them; in UTC unless it has an offset, wherever the process runs. Nothing where it is
 * none, or none of the calendar.
 */
export const readIsoTime = (text: string): IsoTime | undefined => {
  const [, day, clock, fraction = "", zone = "Z"] = ISO.exec(text) ?? []
  const midnight = Date.parse(`${day}T00:00Z`)
  // `Date` turns February 30 into March 1, which then does not come back as it was written.
  if (day === undefined || Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return undefined
  if (clock === undefined) return { millis: midnight, isDay: true }
  return { millis: Date.parse(`${day}T${clock}${fraction.slice(0, 4)}${zone.toUpperCase()}`), isDay: false }
}

/** The same in milliseconds since 1970, where it does not matter which. */
export const isoMillis = (text: string): number | undefined => readIsoTime(text)?.millis
