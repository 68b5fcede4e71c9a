import { Schema } from "effect"
import { type Address, ANY_ROLE, formatAddress } from "./address.ts"
import type { StoredLetter } from "./archive.ts"
import { type Envelope, parseEnvelope } from "./envelope.ts"
import type { Entry } from "./log.ts"

/** There is no dead letter of that number: it was retried or dropped, or never was. */
export class NoSuchLetter extends Schema.TaggedError<NoSuchLetter>()("NoSuchLetter", { sequence: Schema.Finite }) {
  override get message() {
    return `there is no dead letter ${this.sequence}`
  }
}

/** A dead letter holds nothing that an actor could be given again. It can be looked at and dropped. */
export class NotRetryable extends Schema.TaggedError<NotRetryable>()("NotRetryable", {
  sequence: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `dead letter ${this.sequence} cannot be retried: ${this.detail}`
  }
}

/** A message that could not be processed, and why. */
export interface DeadLetter {
  /** The letter's own number, by which it is retried or dropped. */
  readonly sequence: number
  /** Whose mail it was. */
  readonly owner: Address
  /** When it was put here, in milliseconds since 1970. */
  readonly time: number
  /** The message's sequence in the log, and when it was stored there, in milliseconds since 1970. */
  readonly mail: { readonly sequence: number; readonly time: number } | undefined
  /** The name of the message, or of the activity whose outcome it was. */
  readonly message: string
  readonly cause: string
  /** What failed: `decode`, `decide`, `evolve`, `size`, `activity` or `stopped`; nothing in letters that do not say. */
  readonly failure: string | undefined
  readonly attempts: number | undefined
  /** The message as it was: JSON, or text where it was no message at all, the first 10,000 characters of it. */
  readonly original: unknown
}

const Payload = Schema.Struct({
  sequence: Schema.Int,
  time: Schema.Int,
  message: Schema.String,
  cause: Schema.String,
  original: Schema.Unknown,
  failure: Schema.optionalKey(Schema.String),
  attempts: Schema.optionalKey(Schema.Int),
  shard: Schema.optionalKey(Schema.String)
})

const decodePayload = Schema.decodeUnknownSync(Schema.fromJsonString(Payload))
const decodeFields = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Unknown))

/** The letter as it was stored. What somebody else has put there is a letter too, which says so. */
export const readLetter = ({ owner, sequence, time, payload }: StoredLetter): DeadLetter => {
  try {
    const letter = decodePayload(payload)
    const role = letter.shard?.slice(0, letter.shard.indexOf("."))
    return {
      sequence,
      owner: role === undefined || role === ANY_ROLE ? owner : { ...owner, role },
      time,
      mail: { sequence: letter.sequence, time: letter.time },
      message: letter.message,
      cause: letter.cause,
      failure: letter.failure,
      attempts: letter.attempts,
      original: letter.original
    }
  } catch {
    const cause = "this letter was not written by an actor"
    return {
      sequence,
      owner,
      time,
      mail: undefined,
      message: "?",
      cause,
      failure: undefined,
      attempts: undefined,
      original: payload
    }
  }
}

/**
 * The mail that gives a letter's message to its actor again, under an id that is the letter's own: twice is once.
 *
 * Who asked may ask again with its id, and then gets what comes of it now. A timer's firing becomes a message, because the timer
 * is closed; the outcome of an activity, which is closed as well, is marked.
 */
export const retryOf = (letter: DeadLetter): Extract<Entry, { kind: "mail" }> | NotRetryable => {
  const id = `retry ${letter.sequence}`
  let fields: Readonly<Record<string, unknown>>
  let envelope: Envelope
  try {
    // What this version does not know of a message goes with it.
    fields = decodeFields(letter.original)
    envelope = parseEnvelope(JSON.stringify(fields))
  } catch {
    const detail = `what it holds is no message for ${formatAddress(letter.owner)}`
    return new NotRetryable({ sequence: letter.sequence, detail })
  }
  return { kind: "mail", to: letter.owner, payload: JSON.stringify(again(fields, envelope, id)), id }
}

const again = (fields: Readonly<Record<string, unknown>>, envelope: Envelope, id: string) => {
  if (envelope.kind === "watch") return fields
  if (envelope.kind === "outcome") return { ...fields, retried: true, id: envelope.id ?? id }
  if (envelope.kind === "timer") {
    const { name: _, generation: __, ...rest } = fields
    return { ...rest, kind: "message", id }
  }
  const { again: _, ...rest } = fields
  if (envelope.id !== undefined) return { ...rest, retry: id }
  const { reply: __, ...unasked } = rest
  return { ...unasked, id }
}
