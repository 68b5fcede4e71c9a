// What is asked at the doors, and answered.
import { Schema } from "effect"
import { InvalidAddress } from "../../address.ts"
import { NoSuchLetter, NotRetryable } from "../../dead-letters.ts"
import { NotHeld } from "../../dropping.ts"
import { AlreadyStored, Fenced, LogFull, LogRefused, LogReplaced, LogUnavailable, TooLarge } from "../../errors.ts"
import { DUE_HEADER } from "../headers.ts"

/** So much of a list is looked at, and of a word. What is longer is refused before anything of it is. */
const ENTRIES_MAX = 1_024
const Word = Schema.String.check(Schema.isMaxLength(1_024))
/** The cause that is given for a pause. */
const Text = Schema.String.check(Schema.isMaxLength(4_096))

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Address = Schema.Struct({ type: Word, id: Word, role: Schema.optionalKey(Word) })

/** Messages for actors, whose envelopes are the parts; or how the log is. `life` is that of the log, where one is known. */
export const MailAsked = Schema.Union([
  Schema.Struct({
    op: Schema.Literal("append"),
    life: Schema.optionalKey(Word),
    id: Schema.optionalKey(Word),
    mail: Schema.Array(Schema.Struct({ to: Address, id: Schema.optionalKey(Word) })).check(
      Schema.isMaxLength(ENTRIES_MAX)
    )
  }),
  Schema.Struct({ op: Schema.Literal("state") })
])
/** `sequence` is that of the last message. */
export const MailAnswer = Schema.Struct({
  life: Schema.String,
  lastSequence: Schema.Int,
  sequence: Schema.optionalKey(Schema.Int)
})

const Of = Schema.Literals(["log", "controls", "leases"])
export type Of = typeof Of.Type

/** A server takes none for all that it has. */
const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 * 1024 * 1024 }))
const Batch = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: ENTRIES_MAX }))
const Request = Schema.Union([
  Schema.Struct({ multi_last: Schema.Array(Word).check(Schema.isMaxLength(ENTRIES_MAX)), batch: Batch }),
  Schema.Struct({ seq: Count, next_by_subj: Schema.optionalKey(Word), batch: Batch }),
  Schema.Struct({ start_time: Word, next_by_subj: Word, batch: Batch })
])

/** Reading, as `StreamReader` does; and to have the events of a pattern sent to an inbox as they are stored. */
export const ReadAsked = Schema.Union([
  Schema.Struct({ op: Schema.Literal("page"), of: Of, request: Request, bytes: Bytes }),
  Schema.Struct({ op: Schema.Literal("last"), of: Of, subject: Word }),
  Schema.Struct({ op: Schema.Literal("state"), of: Of }),
  Schema.Struct({ op: Schema.Literal("subjects"), of: Of, pattern: Word, offset: Count }),
  Schema.Struct({ op: Schema.Literal("follow"), pattern: Word, after: Count, inbox: Word }),
  Schema.Struct({ op: Schema.Literal("unfollow"), name: Word })
])
export type ReadAsked = typeof ReadAsked.Type

/** A message that was read, whose payload is a part. */
export const Message = Schema.Struct({
  subject: Schema.String,
  sequence: Schema.Int,
  time: Schema.Int,
  pending: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String)
})
export const PageAnswer = Schema.Struct({
  messages: Schema.Array(Message),
  complete: Schema.Boolean,
  upTo: Schema.optionalKey(Schema.Int)
})
export const StateAnswer = Schema.Struct({
  firstSequence: Schema.Int,
  lastSequence: Schema.Int,
  time: Schema.Int,
  created: Schema.String,
  copies: Schema.Int,
  metadata: Schema.Record(Schema.String, Schema.String)
})
/** The name by which it is ended. */
export const FollowAnswer = Schema.Struct({ name: Schema.String })
export const SubjectsAnswer = Schema.Struct({
  names: Schema.Record(Schema.String, Schema.Int),
  next: Schema.optionalKey(Schema.Int)
})

/** Of messages that are read through a door these are told besides. */
export const TOLD_HEADERS = [
  "Conclave-Snapshot",
  "Nats-Expected-Last-Subject-Sequence",
  "Nats-Schedule",
  DUE_HEADER,
  "KV-Operation",
  "Nats-Marker-Reason"
] as const

const Target = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("actor"), address: Address }),
  Schema.Struct({ kind: Schema.Literal("type"), type: Word }),
  Schema.Struct({ kind: Schema.Literal("everything") })
])
const Selection = Schema.Struct({ type: Word, id: Schema.optionalKey(Word) })

/** What operators do, as `Acts` has it. */
export const ActAsked = Schema.Union([
  Schema.Struct({ op: Schema.Literal("pause"), target: Target, cause: Text }),
  Schema.Struct({ op: Schema.Literal("resume"), target: Target }),
  Schema.Struct({ op: Schema.Literal("resumeFailed"), target: Target }),
  Schema.Struct({ op: Schema.Literal("retry"), sequence: Schema.Finite }),
  Schema.Struct({ op: Schema.Literal("drop"), sequence: Schema.Finite }),
  Schema.Struct({ op: Schema.Literal("dropMail"), selection: Selection, keep: Schema.Boolean })
])
export type ActAsked = typeof ActAsked.Type

export const Pauses = Schema.Array(
  Schema.Struct({
    target: Target,
    by: Schema.Literals(["operator", "runtime"]),
    cause: Schema.String,
    crashed: Schema.optionalKey(Schema.Literal(true)),
    since: Schema.Int
  })
)
export const DroppedAnswer = Schema.Struct({ actors: Schema.Int, messages: Schema.Int })

const ReadFailure = Schema.Union([LogUnavailable, LogRefused, LogReplaced])
const AppendFailure = Schema.Union([Fenced, AlreadyStored, LogFull, TooLarge, LogUnavailable, LogRefused, LogReplaced])
/** What may go wrong behind a door, as data. */
export const Failure = Schema.Union([
  Fenced,
  AlreadyStored,
  LogFull,
  TooLarge,
  LogUnavailable,
  LogRefused,
  LogReplaced,
  InvalidAddress,
  NoSuchLetter,
  NotRetryable,
  NotHeld
])
export type Failure = typeof Failure.Type

export const isReadFailure = Schema.is(ReadFailure)
export const isAppendFailure = Schema.is(AppendFailure)

export const Answer = Schema.Union([Schema.Struct({ ok: Schema.Unknown }), Schema.Struct({ error: Schema.Unknown })])
