import { Schema } from "effect"

/** What an ask got, remembered so that the same ask gets it again. */
export const RecordedAnswer = Schema.Struct({ outcome: Schema.Literals(["ok", "error"]), body: Schema.Unknown })
export type RecordedAnswer = typeof RecordedAnswer.Type

/** What one step did, as it is stored. Absent means none. */
export const StepRecord = Schema.Struct({
  /** The sequence of the message that was decided. */
  sequence: Schema.Int,
  message: Schema.String,
  /** When the message was stored, in milliseconds since 1970. */
  time: Schema.Int,
  id: Schema.optionalKey(Schema.String),
  from: Schema.optionalKey(Schema.String),
  correlation: Schema.String,
  /** The message itself, where the actor type keeps its complete history. */
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
  /** Why the message was put among the dead letters instead. */
  parked: Schema.optionalKey(Schema.String)
})
export type StepRecord = typeof StepRecord.Type

/** An activity that has not ended. `generation` is the sequence of the message whose step started it. */
export const OpenActivity = Schema.Struct({
  activity: Schema.String,
  input: Schema.Unknown,
  generation: Schema.Int,
  correlation: Schema.String
})
export type OpenActivity = typeof OpenActivity.Type

/** An actor whole: what replaces all records before it. */
export const Snapshot = Schema.Struct({
  state: Schema.Unknown,
  consumed: Schema.Int,
  timers: Schema.Record(Schema.String, Schema.Int),
  activities: Schema.Record(Schema.String, OpenActivity),
  /** The latest message ids with their replies, oldest first. */
  recent: Schema.Array(Schema.Tuple([Schema.String, Schema.NullOr(RecordedAnswer)]))
})
export type Snapshot = typeof Snapshot.Type

/** One journal record: the steps that were committed together, and the snapshot after them where one was due. */
export const CommitRecord = Schema.Struct({
  version: Schema.Literal(1),
  /** How many records the journal holds, with this one. */
  kept: Schema.Int,
  steps: Schema.Array(StepRecord),
  snapshot: Schema.optionalKey(Snapshot)
})
export type CommitRecord = typeof CommitRecord.Type

/** Throws a `SyntaxError` or `SchemaError` for what is no record. */
export const parseRecord = (text: string): CommitRecord => decode(JSON.parse(text))

const decode = Schema.decodeUnknownSync(CommitRecord)
