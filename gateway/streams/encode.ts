import { Effect, Result, Schema } from "effect"
import type { PublishedEvent } from "../../runtime/index.ts"

/** An event as a frame without its end: whoever sends it adds its own last keys and the brace. */
export interface EncodedEvent {
  readonly subject: string
  readonly sequence: number
  readonly opening: string
}

const Payload = Schema.Struct({ type: Schema.NonEmptyString, data: Schema.Record(Schema.String, Schema.Unknown) })
const decodePayload = Schema.decodeUnknownResult(Payload)

// `Schema.fromJsonString` does the same and takes twice the time, for each event.
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// Copies of an event come close together, so a few are enough; one that is missed costs time only.
const RECENT_EVENTS = 64

/** Encodes events, remembering the last ones. What is no event of ours is logged once and skipped. */
export const encoderOf = (run: (effect: Effect.Effect<void>) => unknown) => {
  const recent = new Map<number, EncodedEvent | undefined>()
  return (event: PublishedEvent): EncodedEvent | undefined => {
    if (recent.has(event.sequence)) return recent.get(event.sequence)
    const encoded = encodeEvent(event)
    if (encoded === undefined) {
      run(
        Effect.logWarning("event skipped: its payload is not a type and data").pipe(
          Effect.annotateLogs({ subject: event.subject, sequence: event.sequence })
        )
      )
    }
    recent.set(event.sequence, encoded)
    if (recent.size > RECENT_EVENTS) {
      for (const oldest of recent.keys()) {
        recent.delete(oldest)
        break
      }
    }
    return encoded
  }
}

const encodeEvent = (event: PublishedEvent): EncodedEvent | undefined => {
  const payload = decodePayload(parse(event.payload))
  if (Result.isFailure(payload)) return undefined
  const { type, data } = payload.success
  const [typeText, subjectText, dataText] = [type, event.subject, data].map((value) => JSON.stringify(value))
  const opening = `{"type":${typeText},"seq":${event.sequence},"subject":${subjectText},"data":${dataText}`
  return { subject: event.subject, sequence: event.sequence, opening }
}
