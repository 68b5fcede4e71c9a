import { Duration, Option, Schema, SchemaTransformation } from "effect"
import { setting } from "./setting.ts"

const UNITS: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 }
const NONE = Number.POSITIVE_INFINITY

const bytesOf = (text: string): number => {
  if (text.toLowerCase() === "none") return NONE
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([MGT]B)$/i.exec(text) ?? []
  return Number(amount === "" ? Number.NaN : amount) * (UNITS[unit.toUpperCase()] ?? Number.NaN)
}

/** A size as people write it; what has no limit is infinite. */
const Size: Schema.Codec<number, string> = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Number.check(Schema.makeFilter((bytes) => bytes >= 50e6)),
    SchemaTransformation.transform({
      decode: bytesOf,
      encode: (bytes) => (bytes === NONE ? "none" : `${bytes / 1e6} MB`)
    })
  )
)

const isDuration = (minimum: Duration.Input, maximum: Duration.Input) =>
  Schema.makeFilter((duration: Duration.Duration) =>
    Duration.between(duration, {
      minimum: Duration.fromInputUnsafe(minimum),
      maximum: Duration.fromInputUnsafe(maximum)
    })
  )

/** Seconds of all kinds of events, and of some. */
export interface EventRetention {
  readonly seconds: number
  readonly byKind: Readonly<Record<string, number>>
}

const secondsIn = (text: string): number => {
  const duration = Schema.decodeUnknownOption(Schema.DurationFromString)(text.trim())
  const seconds = Option.isNone(duration) ? Number.NaN : Math.ceil(Duration.toSeconds(duration.value))
  return seconds >= 60 && seconds <= 3650 * 86_400 ? seconds : Number.NaN
}

const parseRetention = (text: string): EventRetention => {
  const [all = "", ...kinds] = text.split(",")
  const pairs = kinds.map((each) => {
    const [, kind = "", time = ""] = /^\s*([a-z][a-z0-9_-]{0,31})\s*=(.+)$/.exec(each) ?? []
    return [kind, kind === "" ? Number.NaN : secondsIn(time)] as const
  })
  return { seconds: secondsIn(all), byKind: Object.fromEntries(pairs) }
}

const formatRetention = ({ seconds, byKind }: EventRetention): string =>
  [`${seconds} seconds`, ...Object.entries(byKind).map(([kind, each]) => `${kind}=${each} seconds`)].join(", ")

const EventRetention: Schema.Codec<EventRetention, string> = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Struct({ seconds: Schema.Int, byKind: Schema.Record(Schema.String, Schema.Int) }),
    SchemaTransformation.transform({ decode: parseRetention, encode: formatRetention })
  )
)

/** How long things are kept, and how much. */
export const retentionSettings = {
  eventRetention: setting({
    variable: "EVENT_RETENTION",
    default: "7 days, tool=1 day",
    about:
      "How long an event is kept after it was published, and those of single kinds (the first word of their subjects): so far back clients can read.",
    rule: "must be a duration from 1 minute to 3650 days, such as 7 days, and then kinds with theirs, such as tool=1 day, separated by commas",
    schema: EventRetention
  }),
  roundRetention: setting({
    variable: "ROUND_RETENTION",
    default: "30 days",
    about:
      "How long the journal of a consensus round is kept after it was opened, to be looked at, verified and replayed; `never` removes none.",
    rule: "must be a duration from 3 hours to 3650 days, such as 30 days, or never",
    schema: Schema.Union([Schema.Literal("never"), Schema.DurationFromString.check(isDuration("3 hours", "3650 days"))])
  }),
  requestedRoundRetention: setting({
    variable: "REQUESTED_ROUND_RETENTION",
    default: "1 day",
    about:
      "The same for rounds that somebody asked for, over the gateway or otherwise, and not the market; never longer than `ROUND_RETENTION`.",
    rule: "must be a duration from 3 hours to 3650 days, such as 1 day, or never",
    schema: Schema.Union([Schema.Literal("never"), Schema.DurationFromString.check(isDuration("3 hours", "3650 days"))])
  }),
  dataLimit: setting({
    variable: "CONCLAVE_DATA_LIMIT",
    default: "2 GB",
    about:
      "How large the data folder of the command's own NATS server may become; near that the oldest events and rounds are removed. `none` for no limit.",
    rule: "must be a size of at least 50 MB, such as 500 MB or 2 GB, or none",
    schema: Size
  })
} as const
