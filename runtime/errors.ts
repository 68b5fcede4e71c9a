import { Schema } from "effect"

/** The journal has moved on: somebody else owns the actor, or our own earlier commit landed. Reload, do not retry. */
export class Fenced extends Schema.TaggedError<Fenced>()("Fenced", { detail: Schema.String }) {
  override get message() {
    return `the journal has moved on: ${this.detail}`
  }
}

/** The server has seen this group before: it is stored already. Nothing to retry. */
export class AlreadyStored extends Schema.TaggedError<AlreadyStored>()("AlreadyStored", {}) {
  override get message() {
    return "it is stored already"
  }
}

/** The log has reached its size limit. Trying again helps once room was made. */
export class LogFull extends Schema.TaggedError<LogFull>()("LogFull", {
  detail: Schema.String,
  retry_after_ms: Schema.Int
}) {
  override get message() {
    return `the log is full: ${this.detail}; try again in ${this.retry_after_ms} ms`
  }
}

/** A message or step is larger than the server takes. Trying again does not help. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", {
  what: Schema.String,
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return `${this.what} is ${this.size} bytes, and the limit is ${this.limit}`
  }
}

/** The log did not answer: whether the entries are stored is not known. */
export class LogUnavailable extends Schema.TaggedError<LogUnavailable>()("LogUnavailable", { detail: Schema.String }) {
  override get message() {
    return `the log did not answer: ${this.detail}`
  }
}

/** The log was reached and refused for a reason that trying again does not change. */
export class LogRefused extends Schema.TaggedError<LogRefused>()("LogRefused", {
  code: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `the log refused: ${this.detail} (${this.code})`
  }
}

/**
 * The log is not the one that this process knows: it was deleted, made anew, or restored from an older backup. Nothing is
 * stored in it by this process; `detail` says what to do.
 */
export class LogReplaced extends Schema.TaggedError<LogReplaced>()("LogReplaced", { detail: Schema.String }) {
  override get message() {
    return `the log was replaced: ${this.detail}`
  }
}

export type AppendError = Fenced | AlreadyStored | LogFull | TooLarge | LogUnavailable | LogRefused | LogReplaced
export type ReadError = LogUnavailable | LogRefused | LogReplaced

/** A message does not fit its Schema; `detail` names the field and the rule. Nothing was sent. */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", {
  actor: Schema.String,
  message_type: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.message_type} to ${this.actor}: ${this.detail}`
  }
}

/** As much is waiting to be sent as this process holds. Nothing was sent; trying again after `retry_after_ms` helps. */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", {
  waiting: Schema.Int,
  retry_after_ms: Schema.Int
}) {
  override get message() {
    return `${this.waiting} messages are waiting to be sent already; try again in ${this.retry_after_ms} ms`
  }
}

/** More messages wait for the actor than its type allows. Nothing was sent; trying again after `retry_after_ms` helps. */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  actor: Schema.String,
  waiting: Schema.Int,
  retry_after_ms: Schema.Int
}) {
  override get message() {
    return `${this.waiting} messages are waiting for ${this.actor} already; try again in ${this.retry_after_ms} ms`
  }
}

/** No reply in time. The message may still be processed; asking again with the same message id has no second effect. */
export class AskTimeout extends Schema.TaggedError<AskTimeout>()("AskTimeout", {
  actor: Schema.String,
  message_type: Schema.String,
  timeout_ms: Schema.Int
}) {
  override get message() {
    return `${this.actor} did not answer ${this.message_type} within ${this.timeout_ms} ms: it may have been done, or be done later`
  }
}

/**
 * No reply in time, because the actor is paused or no live node has its type: `detail` says why. The message is kept and will be
 * processed once that is over; asking again with the same message id has no second effect.
 */
export class ActorUnavailable extends Schema.TaggedError<ActorUnavailable>()("ActorUnavailable", {
  actor: Schema.String,
  message_type: Schema.String,
  timeout_ms: Schema.Int,
  detail: Schema.String
}) {
  override get message() {
    return `${this.actor} could not answer ${this.message_type} within ${this.timeout_ms} ms, and its message waits: ${this.detail}`
  }
}

/** The actor could not process the message, which is parked in its dead letters. */
export class ActorFailed extends Schema.TaggedError<ActorFailed>()("ActorFailed", {
  actor: Schema.String,
  message_type: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.actor} failed on ${this.message_type}: ${this.detail}`
  }
}

/** The actor has stopped for good: it takes no messages any more. */
export class ActorStopped extends Schema.TaggedError<ActorStopped>()("ActorStopped", {
  actor: Schema.String,
  message_type: Schema.String
}) {
  override get message() {
    return `${this.actor} has stopped and takes no ${this.message_type}`
  }
}

/** Nobody answers what is asked of actors, so it was not waited for. It has no effect, or had been sent before that was known. */
export class NoNodeServes extends Schema.TaggedError<NoNodeServes>()("NoNodeServes", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** The key of the message was used for another one, which the actor remembers. It has had no effect. */
export class KeyReused extends Schema.TaggedError<KeyReused>()("KeyReused", {
  actor: Schema.String,
  message_type: Schema.String
}) {
  override get message() {
    return `the key of this ${this.message_type} was used for something else at ${this.actor}`
  }
}

/** A journal record is not what was written, or one before it is missing. The actor is paused, and its mail is kept. */
export class JournalCorrupt extends Schema.TaggedError<JournalCorrupt>()("JournalCorrupt", { detail: Schema.String }) {
  override get message() {
    return `the journal is corrupt: ${this.detail}`
  }
}

/** It was written by a newer version of the actor than this process has. A newer process can read it. */
export class NewerVersion extends Schema.TaggedError<NewerVersion>()("NewerVersion", {
  what: Schema.String,
  version: Schema.Int,
  known: Schema.Int
}) {
  override get message() {
    return `${this.what} is of version ${this.version}, and this process knows ${this.known}`
  }
}

/** The server cannot carry the runtime; the sentence says what it lacks. */
export class ServerUnsuitable extends Schema.TaggedError<ServerUnsuitable>()("ServerUnsuitable", {
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}
