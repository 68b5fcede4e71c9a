import { Option, Schema } from "effect"

/** How long events are kept, in seconds: those whose subjects begin with one of these words, and all others. */
export interface EventRetention {
  readonly seconds: number
  readonly byKind: Readonly<Record<string, number>>
}

/** Under this name it stands in the stream's metadata, for those who only read events. */
export const RETENTION_KEY = "conclave_event_seconds"

const Retention = Schema.fromJsonString(
  Schema.Struct({ seconds: Schema.Int, byKind: Schema.Record(Schema.String, Schema.Int) })
)
const decode = Schema.decodeUnknownOption(Retention)

export const formatRetention: (retention: EventRetention) => string = Schema.encodeSync(Retention)

const kindOf = (subject: string): string => subject.split(".", 1)[0] ?? ""

/** How long an event with this subject is kept, in seconds. */
export const secondsOf = ({ seconds, byKind }: EventRetention, subject: string): number => {
  const kind = kindOf(subject)
  return Object.hasOwn(byKind, kind) ? byKind[kind]! : seconds
}

/**
 * How long all events under a pattern (`decision.ACME.*`) are kept at the least, in seconds, by a stream's metadata; nothing
 * where it does not say. An event that was published before that was changed may be kept as long as it was said then.
 */
export const keptSeconds = (
  metadata: Readonly<Record<string, string>> | undefined,
  pattern: string
): number | undefined => {
  const retention = Option.getOrUndefined(decode(metadata?.[RETENTION_KEY]))
  if (retention === undefined) return undefined
  const kind = kindOf(pattern)
  if (kind !== "*" && kind !== ">") return secondsOf(retention, kind)
  return Math.min(retention.seconds, ...Object.values(retention.byKind))
}
