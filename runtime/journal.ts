import { crc32 } from "node:zlib"
import { Schema } from "effect"
import { JournalCorrupt } from "./errors.ts"
import { Failure } from "./supervision.ts"

/** What an ask got, remembered so that the same ask gets it again. */
export const RecordedAnswer = Schema.Struct({ outcome: Schema.Literals(["ok", "error"]), body: Schema.Unknown })
export type RecordedAnswer = typeof RecordedAnswer.Type

/** What an ask got whose message was parked. */
export interface FailedAnswer {
  readonly outcome: "failed"
  readonly body: unknown
}

/** By which message of its own an actor wants to be told. */
export const Watcher = Schema.Struct({
  role: Schema.optionalKey(Schema.String),
  message: Schema.String,
  body: Schema.Unknown,
  v: Schema.optionalKey(Schema.Int)
})
export type Watcher = typeof Watcher.Type

/** What one step did, as it is stored. Absent means none. */
export const StepRecord = Schema.Struct({
  /** The sequence of the message that was decided. */
  sequence: Schema.Int,
  message: Schema.String,
  /** When the message was stored, in milliseconds since 1970. */
  time: Schema.Int,
  id: Schema.optionalKey(Schema.String),
  /** By which name an operator gave it back, where it had been parked. */
  retry: Schema.optionalKey(Schema.String),
  /** What the message's key stands for, `key:digest`. */
  once: Schema.optionalKey(Schema.String),
  from: Schema.optionalKey(Schema.String),
  correlation: Schema.String,
  /** Where in a trace the message belongs, as a W3C `traceparent`. */
  trace: Schema.optionalKey(Schema.String),
  /** The message as it lay in the mailbox, where the actor type keeps its complete history: by it the step can be decided again. */
  mail: Schema.optionalKey(Schema.Unknown),
  /** What it carried, alone: so it stands in older records in place of `mail`. */
  body: Schema.optionalKey(Schema.Unknown),
  /** Events, each with its `_tag`. */
  events: Schema.optionalKey(Schema.Array(Schema.Struct({ _tag: Schema.String, data: Schema.Unknown }))),
  /** Timers set: name and when they fire. */
  timers: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)),
  cancelled: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Activities started, by key. */
  started: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Struct({ activity: Schema.String, input: Schema.Unknown }))
  ),
  ended: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Answers given to asks, by message id. */
  answers: Schema.optionalKey(Schema.Record(Schema.String, RecordedAnswer)),
  /** Who watches this actor from now on, by `type/id`, and who does no longer. */
  watched: Schema.optionalKey(Schema.Record(Schema.String, Watcher)),
  unwatched: Schema.optionalKey(Schema.Array(Schema.String)),
  /** The actor stopped for good. */
  stopped: Schema.optionalKey(Schema.Literal(true)),
  /** Why the message was put among the dead letters instead, and what kind of failure it was. */
  parked: Schema.optionalKey(Schema.String),
  failure: Schema.optionalKey(Failure)
})
export type StepRecord = typeof StepRecord.Type

/** An activity that has not ended. `generation` is the sequence of the message whose step started it. */
export const OpenActivity = Schema.Struct({
  activity: Schema.String,
  input: Schema.Unknown,
  generation: Schema.Int,
  correlation: Schema.String,
  trace: Schema.optionalKey(Schema.String)
})
export type OpenActivity = typeof OpenActivity.Type

/** An actor whole: what replaces all records before it. */
export const Snapshot = Schema.Struct({
  state: Schema.Unknown,
  consumed: Schema.Int,
  /** The generation of each open timer. */
  timers: Schema.Record(Schema.String, Schema.Int),
  activities: Schema.Record(Schema.String, OpenActivity),
  /** The latest message ids, each with its reply and when its message was stored, oldest first. */
  recent: Schema.Array(Schema.Tuple([Schema.String, Schema.NullOr(RecordedAnswer), Schema.Int])),
  /** What those of them got whose messages were parked; in `recent` they stand without an answer. */
  failed: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  /** What the keys of these messages stand for, by message id. */
  once: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** When the latest of the messages was stored whose ids are not among them any more. */
  forgotten: Schema.optionalKey(Schema.Int),
  watchers: Schema.optionalKey(Schema.Record(Schema.String, Watcher)),
  /** When the latest messages were stored that were parked, in milliseconds since 1970. */
  failures: Schema.optionalKey(Schema.Array(Schema.Int)),
  stopped: Schema.optionalKey(Schema.Literal(true))
})
export type Snapshot = typeof Snapshot.Type

/** One journal record: the steps that were committed together, and the snapshot after them where one was due. */
export const CommitRecord = Schema.Struct({
  version: Schema.Literal(1),
  /** The version of the actor type that wrote it; 1 unless given. */
  v: Schema.optionalKey(Schema.Int),
  /** How many records the journal holds, with this one. */
  kept: Schema.Int,
  /** The sequence of the actor's record before this one; 0 for the first. */
  previous: Schema.Int,
  steps: Schema.Array(StepRecord),
  snapshot: Schema.optionalKey(Snapshot)
})
export type CommitRecord = typeof CommitRecord.Type

const SUM = /^,"sum":"([0-9a-f]{8})"\}$/
const SUM_CHARACTERS = 18

const sumOf = (text: string): string => crc32(text).toString(16).padStart(8, "0")

/** A record as it is stored: JSON whose last member is the CRC-32 of everything before it. */
export const sealRecord = (json: string): string => {
  const text = json.slice(0, -1)
  return `${text},"sum":"${sumOf(text)}"}`
}

/** Reads a record as it is stored. Throws `JournalCorrupt` for what is none, or not what was written. */
export const parseRecord = (stored: string): CommitRecord => {
  const sum = SUM.exec(stored.slice(-SUM_CHARACTERS))?.[1]
  if (sum === undefined) throw new JournalCorrupt({ detail: "a record has no checksum" })
  const text = stored.slice(0, -SUM_CHARACTERS)
  if (sumOf(text) !== sum) throw new JournalCorrupt({ detail: "a checksum is wrong" })
  try {
    return decode(JSON.parse(`${text}}`))
  } catch (cause) {
    throw new JournalCorrupt({ detail: cause instanceof Error ? cause.message : String(cause) })
  }
}

const decode = Schema.decodeUnknownSync(CommitRecord)
