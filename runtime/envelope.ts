import { Schema } from "effect"

const Common = {
  correlation: Schema.String,
  /** The version of the message; 1 unless given. */
  v: Schema.optionalKey(Schema.Int),
  /** Where in a trace it belongs, as a W3C `traceparent`. */
  trace: Schema.optionalKey(Schema.String)
}

/**
 * A message from a client or an actor. `id` is set where the sender may send it again; `reply` where it is an ask.
 * `again` asks for the answer alone: the message itself is stored already, further ahead in the mailbox.
 */
const MessageEnvelope = Schema.Struct({
  kind: Schema.Literal("message"),
  message: Schema.String,
  body: Schema.Unknown,
  id: Schema.optionalKey(Schema.String),
  from: Schema.optionalKey(Schema.String),
  reply: Schema.optionalKey(Schema.String),
  again: Schema.optionalKey(Schema.Literal(true)),
  /** How long after the message it was sent, in milliseconds, where it is sent again. */
  age: Schema.optionalKey(Schema.Int),
  /** The sender chose the id and may repeat it: its answer is remembered also where the message had no other effect. */
  keep: Schema.optionalKey(Schema.Literal(true)),
  /** It was parked, and an operator gave it back under this name: it counts once, although what became of its id is known. */
  retry: Schema.optionalKey(Schema.String),
  /** What its sender's key stands for, `key:digest`: the same key with another digest is refused. */
  once: Schema.optionalKey(Schema.String),
  ...Common
})

/** A timer went off. `generation` is the sequence of the message whose step set it. */
const TimerEnvelope = Schema.Struct({
  kind: Schema.Literal("timer"),
  name: Schema.String,
  generation: Schema.Int,
  message: Schema.String,
  body: Schema.Unknown,
  /** A node fired it, and its schedule is in the log still. */
  scheduled: Schema.optionalKey(Schema.Literal(true)),
  ...Common
})

/** An activity ended. `generation` is the sequence of the message whose step started it. */
const OutcomeEnvelope = Schema.Struct({
  kind: Schema.Literal("outcome"),
  activity: Schema.String,
  key: Schema.String,
  generation: Schema.Int,
  /** It was parked, and an operator gave it back: it counts although the activity is closed, once for its id. */
  retried: Schema.optionalKey(Schema.Literal(true)),
  id: Schema.optionalKey(Schema.String),
  result: Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("Succeeded"), value: Schema.Unknown }),
    Schema.Struct({
      _tag: Schema.Literal("Failed"),
      reason: Schema.Literals(["timeout", "failure"]),
      detail: Schema.String
    })
  ]),
  ...Common
})

/** An actor wants to be told, by a message of its own, when this one stops. Without a message: not any more. */
const WatchEnvelope = Schema.Struct({
  kind: Schema.Literal("watch"),
  /** Who watches, `type/id`, and its role, if it has one. */
  from: Schema.String,
  role: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  body: Schema.optionalKey(Schema.Unknown),
  ...Common
})

/** What lies in a mailbox, as JSON. */
export const Envelope = Schema.Union([MessageEnvelope, TimerEnvelope, OutcomeEnvelope, WatchEnvelope])
export type Envelope = typeof Envelope.Type

/** Throws a `SyntaxError` or `SchemaError` for what is no envelope. */
export const parseEnvelope = (text: string): Envelope => decode(JSON.parse(text))

const decode = Schema.decodeUnknownSync(Envelope)

/** What a message is called: its name, or that of the activity whose outcome it is. */
export const nameOf = (envelope: Envelope): string => {
  if (envelope.kind === "outcome") return envelope.activity
  return envelope.kind === "watch" ? "watch" : envelope.message
}

/** The answer to an ask, as it goes to the asker's inbox. `waiting` is none yet: it says why there can be none at present. */
export const ReplyEnvelope = Schema.Struct({
  id: Schema.String,
  /** Who answers, `type/id`: message ids are an actor's own. */
  from: Schema.String,
  outcome: Schema.Literals(["ok", "error", "failed", "stopped", "reused", "waiting"]),
  body: Schema.Unknown
})
export type ReplyEnvelope = typeof ReplyEnvelope.Type

export const formatReply = (reply: ReplyEnvelope): string => JSON.stringify(reply)

export const parseReply = (text: string): ReplyEnvelope => decodeReply(JSON.parse(text))

const decodeReply = Schema.decodeUnknownSync(ReplyEnvelope)
