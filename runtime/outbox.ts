import { Cause, Effect, Exit, Option, Schedule } from "effect"
import { type AppendError, LogUnavailable, Overloaded, TooLarge } from "./errors.ts"
import { GroupLoop, type Queued } from "./grouping.ts"
import type { ClientLog, Ids, Sendable } from "./log.ts"

/** What it takes of the log. */
type Sender = Pick<ClientLog["Service"], "append" | "limits"> & Ids

/** Something waiting to be sent, and whom to tell. */
type QueuedSend = Queued<Sendable, void, AppendError>

/** How many messages may wait here, and characters of them, before senders are refused. */
const WAITING_MAX = 20_000
const WAITING_CHARACTERS_MAX = 64 * 1024 * 1024
const RETRY_AFTER_MILLIS = 100
/** How long a group is sent again when the log does not answer, before its senders are told. */
const PATIENCE = "20 seconds"
/** Messages with ids of their own are sent one by one, so many at once. */
const SINGLES = 64

/**
 * Sends messages from outside a step: in the order given, grouped while an earlier group is on its way.
 *
 * A group has an id, so that sending it again after a lost answer stores it once. A message with an id of its own goes
 * alone: the server refuses a whole group for one message that it has seen.
 */
export class Outbox {
  readonly #log: Sender
  readonly #prefix: string
  readonly #loop = new GroupLoop()
  #queue: Array<QueuedSend> = []
  #characters = 0
  #sending: ReadonlyArray<QueuedSend> = []
  #groups = 0
  #closed = false

  constructor(log: Sender) {
    this.#log = log
    this.#prefix = log.newId()
  }

  /** It takes no messages any more. */
  get closed(): boolean {
    return this.#closed
  }

  /** Takes a message. Succeeds once it is stored. */
  send(entry: Sendable): Effect.Effect<void, AppendError | Overloaded> {
    return Effect.suspend((): Effect.Effect<void, AppendError | Overloaded> => {
      if (this.#closed) return Effect.fail(new LogUnavailable({ detail: "the connection to the log is closed" }))
      const size = Buffer.byteLength(entry.payload)
      const limit = this.#log.limits.payloadBytesMax
      if (size > limit) return Effect.fail(new TooLarge({ what: "the message", size, limit }))
      if (this.#queue.length >= WAITING_MAX || this.#characters >= WAITING_CHARACTERS_MAX) {
        return Effect.fail(new Overloaded({ waiting: this.#queue.length, retry_after_ms: RETRY_AFTER_MILLIS }))
      }
      return Effect.callback<void, AppendError>((resume) => {
        this.#queue.push({ request: entry, settle: resume })
        this.#characters += entry.payload.length
        this.#loop.wake()
      })
    })
  }

  /** Sends for ever. Whoever waits when it is interrupted is told that the fate of the message is not known. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    this.#loop.run(
      () => this.#queue.length === 0,
      () => this.#sendNext()
    )
  ).pipe(Effect.ensuring(Effect.sync(() => this.#close())))

  #close(): void {
    this.#closed = true
    const gone = Exit.fail(new LogUnavailable({ detail: "the connection to the log was closed" }))
    for (const waiting of [...this.#sending, ...this.#queue]) waiting.settle(gone)
    this.#queue = []
  }

  #sendNext(): Effect.Effect<void> {
    const group = this.#takeRun()
    this.#sending = group
    if (idOf(group[0]?.request) !== undefined) return this.#sendEach(group)
    const id = `${this.#prefix}.${++this.#groups}`
    const entries = group.map((waiting) => waiting.request)
    return this.#persistently(Effect.suspend(() => this.#log.append(entries, id))).pipe(
      Effect.exit,
      Effect.flatMap((exit) => {
        // A group is refused for one of its messages: one by one, only that one is.
        if (group.length > 1 && isRefusal(exit)) return this.#sendEach(group, id)
        for (const waiting of group) waiting.settle(exit)
        return Effect.void
      })
    )
  }

  /** `id` is that of the group, from which each message has one, too: also alone it may have to be sent again. */
  #sendEach(group: ReadonlyArray<QueuedSend>, id?: string): Effect.Effect<void> {
    const send = (waiting: QueuedSend, index: number) =>
      this.#sendAlone(waiting, id === undefined ? undefined : `${id}.${index}`)
    return Effect.forEach(group, send, { concurrency: SINGLES, discard: true })
  }

  /** The longest run at the front of the queue that can go out together. */
  #takeRun(): ReadonlyArray<QueuedSend> {
    const { groupEntriesMax, groupBytesMax } = this.#log.limits
    const alone = idOf(this.#queue[0]?.request) !== undefined
    let count = 0
    let characters = 0
    for (const { request: entry } of this.#queue) {
      if (count >= groupEntriesMax || (idOf(entry) !== undefined) !== alone) break
      if (count > 0 && characters + entry.payload.length > groupBytesMax) break
      characters += entry.payload.length
      count++
    }
    const run = this.#queue.slice(0, count)
    this.#queue = this.#queue.slice(count)
    this.#characters -= characters
    return run
  }

  #sendAlone(waiting: QueuedSend, id: string | undefined): Effect.Effect<void> {
    return this.#persistently(Effect.suspend(() => this.#log.append([waiting.request], id))).pipe(
      Effect.exit,
      Effect.map(waiting.settle)
    )
  }

  /**
   * Sends until it is known what came of it. Once a try got no answer, a refusal of a later one says nothing of the
   * first: it may be stored, or be yet.
   */
  #persistently(append: Effect.Effect<number, AppendError>): Effect.Effect<void, AppendError> {
    let doubt = false
    return append.pipe(
      // It is stored: our own earlier try landed, or the same message was sent before.
      Effect.catchTag("AlreadyStored", () => Effect.void),
      Effect.catchDefect((defect) => Effect.fail(new LogUnavailable({ detail: String(defect) }))),
      Effect.mapError((error) => {
        if (error._tag === "LogUnavailable") doubt = true
        // In a log that was replaced there is nothing to wait for.
        if (error._tag === "LogReplaced") return error
        return doubt && error._tag !== "LogUnavailable" ? new LogUnavailable({ detail: error.message }) : error
      }),
      Effect.retry({
        while: (error) => error._tag === "LogUnavailable",
        schedule: Schedule.spaced("200 millis").pipe(Schedule.upTo({ duration: PATIENCE }))
      }),
      Effect.asVoid
    )
  }
}

const idOf = (entry: Sendable | undefined): string | undefined => (entry?.kind === "mail" ? entry.id : undefined)

/** Nothing of it is stored, and sending it again as it is does not help. */
const isRefusal = (exit: Exit.Exit<unknown, AppendError>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return error?._tag === "LogRefused" || error?._tag === "TooLarge"
}
