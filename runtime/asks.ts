import { Clock, Duration, Effect, Exit, Schedule } from "effect"
import { type Address, formatAddress } from "./address.ts"
import { decoder } from "./codec.ts"
import { elapsedBy } from "./elapsed.ts"
import { parseReply, type ReplyEnvelope } from "./envelope.ts"
import {
  ActorFailed,
  ActorStopped,
  ActorUnavailable,
  type AppendError,
  AskTimeout,
  KeyReused,
  LogUnavailable,
  type Overloaded
} from "./errors.ts"
import type { Ids, Messaging } from "./log.ts"
import type { Outbox } from "./outbox.ts"
import type { Pressures } from "./pressure.ts"
import type { AskName, MessageSpec, Payload, Protocol, Refusal, Reply } from "./protocol.ts"
import { type AskError, type AskOptions, type Mail, makeMail, refusal } from "./sending.ts"

const ASK_TIMEOUT = Duration.seconds(10)
const STORE_AGAIN = Schedule.spaced("200 millis")
const ASK_AGAIN_MILLIS = 4_000
const ASK_AGAIN_MILLIS_MAX = 32_000

/** The asks of this process that wait for their answers. */
export class Asks {
  readonly #log: Pick<Messaging, "inbox"> & Ids
  readonly #outbox: Outbox
  readonly #pressures: Pressures
  /** By actor and message id: the same ask can be made twice at once. */
  readonly #waiting = new Map<string, Set<(reply: ReplyEnvelope) => void>>()

  constructor(log: Pick<Messaging, "inbox"> & Ids, outbox: Outbox, pressures: Pressures) {
    this.#log = log
    this.#outbox = outbox
    this.#pressures = pressures
  }

  take(payload: string): void {
    const reply = readable(payload)
    if (reply === undefined) return
    for (const resume of this.#waiting.get(nameOf(reply.from, reply.id)) ?? []) resume(reply)
  }

  ask<P extends Protocol, K extends AskName<P>>(
    protocol: P,
    id: string,
    message: K,
    payload: Payload<P, K>,
    options: AskOptions | undefined,
    trace: string | undefined
  ): Effect.Effect<Reply<P, K>, AskError | Refusal<P, K>> {
    return Effect.suspend((): Effect.Effect<Reply<P, K>, AskError | Refusal<P, K>> => {
      const messageId = options?.messageId ?? this.#log.newId()
      const asked = { id: messageId, inbox: this.#log.inbox }
      const mail = makeMail({ protocol, id, message, payload, options, trace, asked })
      if (mail instanceof Error) return Effect.fail(mail)
      const refused = refusal(this.#pressures, mail.to)
      if (refused !== undefined) return refused
      const timeout = Duration.fromInputUnsafe(options?.timeout ?? ASK_TIMEOUT)
      // Not deduplicated by the server: an ask that is sent again must reach the actor to be answered again.
      const { id: _, ...entry } = mail
      const again = (age: number): Mail => ({
        ...entry,
        payload: `${entry.payload.slice(0, -1)},"again":true,"age":${age}}`
      })
      const actor = formatAddress(mail.to)
      /** Why there is no answer yet, as the node that has the message said last. */
      let reason: string | undefined
      const waits = (detail: string) => {
        reason = detail
      }
      return this.#answerTo(nameOf(actor, messageId), waits).pipe(
        Effect.raceFirst(
          // Once it is stored it is processed: from then on only the answer can be missing.
          this.#store(entry).pipe(Effect.flatMap((age) => this.#sendAgain(again, age)))
        ),
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => {
            const failed = { actor, message_type: message, timeout_ms: Duration.toMillis(timeout) }
            return Effect.fail(
              reason === undefined ? new AskTimeout(failed) : new ActorUnavailable({ ...failed, detail: reason })
            )
          }
        }),
        Effect.flatMap((reply) => readReply<P, K>(protocol.messages[message], mail.to, message, reply))
      )
    })
  }

  /**
   * Stores an ask, for as long as it takes: its timeout is its own. Gives how old it is then, in milliseconds.
   *
   * A first try that got no answer may be stored. A later one says how old the ask is, so that it has no effect where the
   * actor may have forgotten the first.
   */
  #store(entry: Mail): Effect.Effect<number, AppendError | Overloaded> {
    return Effect.gen({ self: this }, function* () {
      const elapsed = elapsedBy(yield* Clock.Clock)
      const started = elapsed()
      const age = () => Math.round(elapsed() - started)
      const later = () => ({ ...entry, payload: `${entry.payload.slice(0, -1)},"age":${age()}}` })
      const retry = Effect.suspend(() => this.#outbox.send(later())).pipe(
        Effect.retry({ while: (error) => this.#mayPass(error), schedule: STORE_AGAIN }),
        // Refused, and the first may be stored all the same.
        Effect.mapError((error) =>
          error._tag === "LogReplaced" ? error : new LogUnavailable({ detail: error.message })
        )
      )
      yield* this.#outbox
        .send(entry)
        .pipe(Effect.catchTag("LogUnavailable", (error) => (this.#mayPass(error) ? retry : Effect.fail(error))))
      return age()
    })
  }

  #mayPass({ _tag }: AppendError | Overloaded): boolean {
    return !this.#outbox.closed && (_tag === "LogUnavailable" || _tag === "LogFull" || _tag === "Overloaded")
  }

  /**
   * What becomes of a repetition says nothing of the ask: it is stored. Each comes as late again as the ask is old, up to a limit:
   * who could not answer in time would otherwise have the more to read the longer it takes, and never catch up.
   */
  #sendAgain(again: (age: number) => Mail, storedAt: number): Effect.Effect<never> {
    let age = storedAt
    return Effect.suspend(() => {
      const wait = Math.min(ASK_AGAIN_MILLIS_MAX, Math.max(ASK_AGAIN_MILLIS, age))
      age += wait
      return Effect.sleep(wait)
    }).pipe(Effect.andThen(Effect.suspend(() => Effect.ignore(this.#outbox.send(again(age))))), Effect.forever)
  }

  /** What says only that there can be no answer yet goes to `waits`. */
  #answerTo(name: string, waits: (detail: string) => void): Effect.Effect<ReplyEnvelope> {
    return Effect.suspend(() => {
      let resumeOnReply: (reply: ReplyEnvelope) => void = () => undefined
      return Effect.callback<ReplyEnvelope>((resume) => {
        resumeOnReply = (reply) => {
          if (reply.outcome === "waiting") waits(detailOf(reply.body))
          else resume(Exit.succeed(reply))
        }
        const same = this.#waiting.get(name)
        if (same === undefined) this.#waiting.set(name, new Set([resumeOnReply]))
        else same.add(resumeOnReply)
      }).pipe(Effect.ensuring(Effect.sync(() => this.#forget(name, resumeOnReply))))
    })
  }

  #forget(name: string, resume: (reply: ReplyEnvelope) => void): void {
    const same = this.#waiting.get(name)
    same?.delete(resume)
    if (same?.size === 0) this.#waiting.delete(name)
  }
}

/** Anybody can send to an inbox: what is no answer is ignored. */
const readable = (payload: string): ReplyEnvelope | undefined => {
  try {
    return parseReply(payload)
  } catch {
    return undefined
  }
}

const nameOf = (actor: string, messageId: string): string => `${actor} ${messageId}`

const readReply = <P extends Protocol, K extends AskName<P>>(
  spec: MessageSpec | undefined,
  to: Address,
  message: string,
  reply: ReplyEnvelope
): Effect.Effect<Reply<P, K>, ActorFailed | ActorStopped | KeyReused | Refusal<P, K>> =>
  Effect.suspend((): Effect.Effect<Reply<P, K>, ActorFailed | ActorStopped | KeyReused | Refusal<P, K>> => {
    const actor = formatAddress(to)
    try {
      // The protocol's schemas give exactly these types.
      if (reply.outcome === "ok") return Effect.succeed(decoder(spec?.reply)(reply.body) as Reply<P, K>)
      if (reply.outcome === "error") return Effect.fail(decoder(spec?.error)(reply.body) as Refusal<P, K>)
      if (reply.outcome === "reused") return Effect.fail(new KeyReused({ actor, message_type: message }))
      if (reply.outcome === "stopped") return Effect.fail(new ActorStopped({ actor, message_type: message }))
      return Effect.fail(new ActorFailed({ actor, message_type: message, detail: detailOf(reply.body) }))
    } catch (cause) {
      return Effect.fail(new ActorFailed({ actor, message_type: message, detail: String(cause) }))
    }
  })

const detailOf = (body: unknown): string =>
  typeof body === "object" && body !== null && "detail" in body ? String(body.detail) : "no detail"
