// The `timestamp` of a bar as somebody may give it, read alike wherever a server stands.
import { isoMillis } from "../vocabulary/iso-time.ts"
import { GIVEN_BAR_TIME_MIN, GIVEN_TIME_MAX } from "./market.ts"

/** Numbers nearer to 0 are seconds since 1970 of any year up to 5138: as milliseconds they are of within four years of 1970. */
const MILLIS_MIN = 1e11

/** Milliseconds since 1970 of a `timestamp`, or the rule that it breaks. */
export const barTimestamp = (given: unknown): { readonly time: number } | { readonly fault: string } => {
  if (typeof given === "number" && Math.abs(given) < MILLIS_MIN) {
    return { fault: "looks like seconds: a timestamp is ISO 8601, or milliseconds since 1970 (at least 1e11 from 0)" }
  }
  const time = typeof given === "number" ? given : typeof given === "string" ? isoMillis(given) : undefined
  if (time === undefined || !Number.isInteger(time)) {
    return {
      fault: "is no time: a timestamp is an ISO 8601 date or date-time, such as 2024-03-04T15:30:00Z, or milliseconds"
    }
  }
  if (time < GIVEN_BAR_TIME_MIN || time > GIVEN_TIME_MAX) {
    return { fault: "is not of the years 1700 to 2099" }
  }
  return { time }
}
