import { nuid } from "@nats-io/transport-node"
import { Clock, Effect, Layer } from "effect"
import { type AppendError, LogRefused, LogReplaced, type ReadError } from "../../errors.ts"
import { ClientLog, type LogStatus, type Sendable } from "../../log.ts"
import { Nats } from "../connection.ts"
import { secretId } from "../inbox.ts"
import { limitsOf } from "../limits.ts"
import { watchLive } from "../live.ts"
import { makeMessaging, newInbox } from "../messaging.ts"
import { makeSubjects } from "../subjects.ts"
import { Writes } from "../writes.ts"
import { type Ask, askAt } from "./ask.ts"
import type { Frame } from "./frame.ts"
import { type Failure, isAppendFailure, isReadFailure, MailAnswer } from "./words.ts"

/** A character may take three bytes. */
const BYTES_PER_CHARACTER = 3

/** The log as a process sees it that may not touch the stream: nodes store what it sends. */
export const layerRemoteLog: Layer.Layer<ClientLog, never, Nats> = Layer.effect(
  ClientLog,
  Effect.gen(function* () {
    const nats = yield* Nats
    const { connection } = nats
    const subjects = makeSubjects(nats.options.namespace)
    const remote = new RemoteLog(askAt(connection, subjects.door("mail")), yield* Clock.Clock, secretId())
    const limits = limitsOf(connection)
    return ClientLog.of({
      // A group is one message. One that is too large after all goes message by message.
      limits: { ...limits, groupBytesMax: Math.floor(limits.payloadBytesMax / BYTES_PER_CHARACTER) },
      append: remote.append,
      status: remote,
      check: remote.check,
      newId: () => nuid.next(),
      watch: (pattern, see) => watchLive(nats, subjects, pattern, see),
      ...makeMessaging(nats, subjects, newInbox(nats, subjects))
    })
  })
)

/**
 * What nodes say of the log. Positions that this process knows are of the log's first life that it hears of: in another one
 * nothing is sent.
 */
class RemoteLog implements LogStatus {
  readonly #ask: Ask
  readonly #secret: string
  readonly #writes: Writes
  #life: string | undefined
  #lastSequence = 0
  #fault: LogReplaced | undefined

  /** `secret`: what the ids of its groups begin with; who guessed one could have it taken for stored. */
  constructor(ask: Ask, clock: Clock.Clock, secret: string) {
    this.#ask = ask
    this.#secret = secret
    this.#writes = new Writes(clock)
  }

  get life(): string {
    return this.#life ?? ""
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get rewinds(): number {
    return 0
  }

  get fault(): LogReplaced | undefined {
    return this.#fault
  }

  get confirmedAt(): number | undefined {
    return this.#writes.confirmedAt
  }

  readonly check: Effect.Effect<void, ReadError> = Effect.suspend(() =>
    this.#hear({ head: { op: "state" }, parts: [] })
  ).pipe(
    Effect.mapError((failure) =>
      isReadFailure(failure) ? failure : new LogRefused({ code: 0, detail: failure.message })
    ),
    Effect.asVoid
  )

  readonly append = (group: ReadonlyArray<Sendable>, id?: string): Effect.Effect<number, AppendError> => {
    const mail = group.filter((entry) => entry.kind === "mail")
    if (mail.length < group.length) {
      return Effect.fail(new LogRefused({ code: 0, detail: "events are published by actors, and not from outside" }))
    }
    const life = this.#life
    const head = {
      op: "append",
      ...(life !== undefined && { life }),
      ...(id !== undefined && { id: `${this.#secret}.${id}` }),
      mail: mail.map((entry) => ({ to: entry.to, ...(entry.id !== undefined && { id: entry.id }) }))
    }
    const asking = this.#hear({ head, parts: mail.map(({ payload }) => payload) }).pipe(
      Effect.map((sequence) => sequence ?? 0),
      Effect.mapError((failure) =>
        isAppendFailure(failure) ? failure : new LogRefused({ code: 0, detail: failure.message })
      )
    )
    return this.#writes.watch(asking)
  }

  #hear(asked: Frame): Effect.Effect<number | undefined, Failure> {
    return this.#ask(asked, MailAnswer).pipe(
      Effect.tapError((failure) =>
        Effect.sync(() => {
          if (failure._tag === "LogReplaced") this.#fault = failure
        })
      ),
      Effect.flatMap(({ head: { life, lastSequence, sequence } }) => {
        this.#life ??= life
        if (life !== this.#life) {
          this.#fault = new LogReplaced({ detail: "it is not the one that this process started with: start it anew" })
          return Effect.fail(this.#fault)
        }
        this.#fault = undefined
        this.#lastSequence = Math.max(this.#lastSequence, lastSequence)
        return Effect.succeed(sequence)
      })
    )
  }
}
