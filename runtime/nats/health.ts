import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Cause, type Clock, Effect, Exit, Option, Schedule, Semaphore } from "effect"
import { elapsedBy } from "../elapsed.ts"
import { LogRefused, LogReplaced, LogUnavailable, type ReadError } from "../errors.ts"
import type { LogStatus } from "../log.ts"
import { Recurring } from "../recurring.ts"
import { unlessLost } from "./disconnect.ts"
import { type Anchor, Lineage } from "./lineage.ts"
import { findStream, type Opened, streamFault } from "./stream.ts"
import type { Subjects } from "./subjects.ts"
import { Writes } from "./writes.ts"

const LOOK_EVERY = "2 seconds"
/** A server that was silent for a while may still believe that it leads, for as long. */
const BEHIND_MILLIS_MAX = 15_000

export interface HealthOptions {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly subjects: Subjects
  readonly opened: Opened
  readonly clock: Clock.Clock
  /** Whether this process may read what is stored. */
  readonly reads: boolean
  /** Why the mail of this process's actors is not read, if it should be and is not. */
  readonly unread: () => string | undefined
}

/**
 * The stream as it was last seen. Operators can delete it, put another in its place or set limits on it while we run;
 * nothing of that is mended here, for whoever makes the stream anew makes everything that was in it final.
 *
 * What this process knows is of one life of the stream: sequences, journals' last records, how far mail is done. In a
 * stream that was deleted, made anew or restored from an older backup all of that is wrong, so nothing may be stored there.
 */
export class Health implements LogStatus {
  readonly writes: Writes
  readonly #options: HealthOptions
  readonly #elapsed: () => number
  readonly #lineage = new Lineage()
  readonly #recurring = new Recurring()
  readonly #checking = Semaphore.makeUnsafe(1)
  #replicas: number
  #lastSequence: number
  /** Up to here the server has said that it is stored; what is beyond was only delivered. */
  #confirmed: number
  /** What the stream ended with when it was last looked at. */
  #end: Anchor | undefined
  #rewinds = 0
  #fault: LogReplaced | undefined
  /** The stream was looked at since we are connected. */
  #verified = true
  /** How often the stream was looked at, and why it was not found good the last time that it was not. */
  #looks = 0
  #unverified: LogReplaced | LogUnavailable = new LogUnavailable({ detail: "the stream was not looked at yet" })
  #behindSince: number | undefined
  /** It once ended here, with less than it had confirmed. */
  #lostFrom: number | undefined

  constructor(options: HealthOptions) {
    this.#options = options
    this.#elapsed = elapsedBy(options.clock)
    this.writes = new Writes(options.clock)
    this.#replicas = options.opened.replicas
    this.#lastSequence = options.opened.lastSequence
    this.#confirmed = options.opened.lastSequence
  }

  get life(): string {
    return this.#options.opened.created
  }

  get replicas(): number {
    return this.#replicas
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get fault(): LogReplaced | undefined {
    return this.#fault
  }

  get confirmedAt(): number | undefined {
    return this.writes.confirmedAt
  }

  get rewinds(): number {
    return this.#rewinds
  }

  /** Something is there at a sequence. A server that does not wait for the disk delivers what it may lose with its process. */
  readonly see = (sequence: number): number => {
    if (sequence > this.#lastSequence) this.#lastSequence = sequence
    return sequence
  }

  /** The server has confirmed that something is stored at a sequence. */
  readonly confirm = (sequence: number): number => {
    if (sequence > this.#confirmed) this.#confirmed = sequence
    return this.see(sequence)
  }

  /** The connection was lost: whatever the server has now need not be what it had. */
  readonly reconnected: Effect.Effect<void> = Effect.suspend(() => {
    this.#verified = false
    this.#end = undefined
    return Effect.ignore(this.usable)
  })

  /** Succeeds if something may be stored. */
  readonly usable: Effect.Effect<void, LogReplaced | LogUnavailable> = Effect.suspend(() => {
    if (this.#fault !== undefined) return Effect.fail(this.#fault)
    if (this.#verified) return Effect.void
    const looks = this.#looks
    const look = Effect.suspend((): Effect.Effect<void, ReadError> => {
      if (this.#verified) return Effect.void
      // Somebody has looked while we waited: one answer does for all.
      return this.#looks === looks ? this.#look : Effect.fail(this.#unverified)
    })
    return this.#checking
      .withPermits(1)(look)
      .pipe(Effect.catchTag("LogRefused", () => Effect.void))
  })

  /** Succeeds if the stream is there, is still the same, can be used, takes what is stored and gives what is read. */
  readonly check: Effect.Effect<void, ReadError> = Effect.suspend(() => this.#checking.withPermits(1)(this.#look)).pipe(
    Effect.andThen(
      Effect.suspend(() => {
        const { failure } = this.writes
        const detail = failure === undefined ? this.#options.unread() : notStored(failure)
        return detail === undefined ? Effect.void : Effect.fail(new LogUnavailable({ detail }))
      })
    )
  )

  readonly #look: Effect.Effect<void, ReadError> = Effect.gen({ self: this }, function* () {
    const { connection, manager, subjects } = this.#options
    // What comes meanwhile may be newer than the answer.
    const before = { seen: this.#lastSequence, confirmed: this.#confirmed }
    const finding = Effect.tryPromise({
      try: () => findStream(manager, subjects.stream),
      catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
    })
    const info = yield* unlessLost(connection, finding)
    const { stream } = subjects
    if (info === undefined) return yield* this.#replaced(`the stream ${stream} was deleted: ${RESTORE}`)
    const last = { sequence: info.state.last_seq, time: timeOf(info) }
    this.#replicas = info.config.num_replicas
    if (yield* this.#isAnother(info, last, before)) {
      return yield* this.#replaced(`the stream ${stream} is not the one that this process started with: ${STOP_ALL}`)
    }
    if (this.#fault !== undefined) yield* Effect.logWarning("the log is the one that it was, and can be used again")
    this.#fault = undefined
    this.#verified = true
    this.#settle(last)
    const fault = streamFault(info.config, subjects)
    if (fault !== undefined) return yield* new LogRefused({ code: 0, detail: fault })
  }).pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => {
        this.#looks++
        const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
        if (error?._tag === "LogReplaced" || error?._tag === "LogUnavailable") this.#unverified = error
      })
    )
  )

  /** What it ended with the last time is on the disk by now. */
  #settle(last: Anchor): void {
    if (this.#end !== undefined) {
      this.confirm(this.#end.sequence)
      this.#lineage.add(this.#end)
    }
    this.#end = last
    this.see(last.sequence)
  }

  #isAnother({ created }: StreamInfo, last: Anchor, before: Before): Effect.Effect<boolean, LogUnavailable> {
    return Effect.gen({ self: this }, function* () {
      if (created !== this.life || this.#lineage.deniedBy(last)) return true
      if (last.sequence < before.seen && (last.sequence < before.confirmed || this.#replicas > 1)) {
        return yield* this.#behind(last.sequence)
      }
      this.#behindSince = undefined
      if (last.sequence < before.seen) this.#rewind(last.sequence)
      return yield* this.#isDenied
    })
  }

  /** By what is stored. A stream that once had less than was confirmed has to prove that it has it again. */
  readonly #isDenied: Effect.Effect<boolean, LogUnavailable> = Effect.gen({ self: this }, function* () {
    const { connection, subjects, reads } = this.#options
    const verdict = reads ? yield* this.#lineage.judge(connection, subjects.stream) : "unknown"
    if (verdict === "another") return true
    if (this.#lostFrom === undefined) return false
    if (verdict === "unknown" || verdict.sameUpTo <= this.#lostFrom) return true
    this.#lostFrom = undefined
    return false
  })

  /** What it had delivered beyond is gone with a server that ended before it was stored, and nobody was told that it was. */
  #rewind(sequence: number): void {
    this.#lastSequence = sequence
    this.#rewinds++
  }

  /** It has less than it had. Where there are copies, one that is behind may have answered. */
  #behind(last: number): Effect.Effect<boolean, LogUnavailable> {
    return Effect.suspend(() => {
      if (this.#replicas === 1) {
        this.#lostFrom = Math.min(last, this.#lostFrom ?? last)
        return Effect.succeed(true)
      }
      this.#behindSince ??= this.#elapsed()
      if (this.#elapsed() - this.#behindSince > BEHIND_MILLIS_MAX) return Effect.succeed(true)
      this.#verified = false
      return Effect.fail(new LogUnavailable({ detail: "the leader of the stream is behind" }))
    })
  }

  #replaced(detail: string): Effect.Effect<never, LogReplaced> {
    return Effect.suspend(() => {
      this.#fault = new LogReplaced({ detail })
      return Effect.fail(this.#fault)
    })
  }

  /** Looks every two seconds, and says what is wrong. */
  readonly watch: Effect.Effect<never> = Effect.suspend(() => this.#checking.withPermits(1)(this.#look)).pipe(
    Effect.andThen(Effect.suspend(() => this.#sayWhetherStored)),
    Effect.catch((error) =>
      error._tag === "LogUnavailable"
        ? Effect.logDebug("the log did not answer", { reason: error.detail })
        : this.#recurring.say("Error", UNUSABLE, { reason: error.detail })
    ),
    Effect.delay(LOOK_EVERY),
    Effect.repeat(Schedule.forever),
    Effect.andThen(Effect.never)
  )

  /** The server answers: if nothing is stored, that is not for want of a connection. */
  readonly #sayWhetherStored: Effect.Effect<void> = Effect.suspend(() => {
    this.#recurring.over(UNUSABLE)
    const { failure } = this.writes
    if (failure !== undefined) return this.#recurring.say("Error", STORES_NOTHING, { reason: notStored(failure) })
    this.#recurring.over(STORES_NOTHING)
    return Effect.void
  })
}

const UNUSABLE = "the log cannot be used"
const STORES_NOTHING = "nothing can be stored"

const STOP_ALL = "stop all processes, then start them"
const RESTORE =
  "stop all processes, restore it from a backup and start them, or begin with an empty one by starting them without"

/** What was known before the stream was looked at. */
interface Before {
  readonly seen: number
  readonly confirmed: number
}

/** The server answers what it is asked, and stores nothing. */
const notStored = ({ millis, detail }: { readonly millis: number; readonly detail: string }): string =>
  `the server has confirmed nothing for ${Math.round(millis / 1_000)} seconds (${detail}): its storage may be full or failing; ` +
  'look for "no space left" in its log, make room, and restart the server if it does not go on by itself'

const timeOf = ({ state }: StreamInfo): number => Date.parse(state.last_ts)
