import { Clock, Context, Duration, Effect, Exit, Layer } from "effect"
import { type Address, addressFault, formatAddress, type InvalidAddress } from "./address.ts"
import { decoder, encoder } from "./codec.ts"
import { parseReply, type ReplyEnvelope } from "./envelope.ts"
import {
  ActorFailed,
  ActorStopped,
  type AppendError,
  AskTimeout,
  InvalidMessage,
  MailboxFull,
  type Overloaded,
  type ReadError
} from "./errors.ts"
import { ActorLog, type Entry } from "./log.ts"
import { Outbox } from "./outbox.ts"
import { Pressures, parsePressure } from "./pressure.ts"
import {
  type AskName,
  addressOf,
  type MessageName,
  type MessageSpec,
  type Payload,
  type Protocol,
  type Refusal,
  type Reply
} from "./protocol.ts"
import { withTrace } from "./trace.ts"

export interface SendOptions {
  /**
   * The caller's own id for the message, 1 to 256 characters: told or asked again with it, the message has one effect and
   * gets the same answer, as long as its actor remembers the id: while it is among the latest 256 and for a day, unless the
   * actor's type says otherwise.
   */
  readonly messageId?: string
  readonly correlationId?: string
}

export interface AskOptions extends SendOptions {
  /** How long to wait for the answer; 10 seconds unless given. */
  readonly timeout?: Duration.Input
}

export type SendError = InvalidAddress | InvalidMessage | MailboxFull | Overloaded | AppendError
export type AskError = SendError | AskTimeout | ActorFailed | ActorStopped

/** One actor to talk to. */
export interface Ref<P extends Protocol> {
  readonly address: Address
  readonly tell: <K extends MessageName<P>>(
    message: K,
    payload: Payload<P, K>,
    options?: SendOptions
  ) => Effect.Effect<void, SendError>
  readonly ask: <K extends AskName<P>>(
    message: K,
    payload: Payload<P, K>,
    options?: AskOptions
  ) => Effect.Effect<Reply<P, K>, AskError | Refusal<P, K>>
}

/** Talks to actors from anywhere: a process needs no actors of its own. */
export class Actors extends Context.Service<
  Actors,
  {
    /** Stores a message in the actor's mailbox. Succeeds once it is stored; it will then be processed exactly once. */
    readonly tell: <P extends Protocol, K extends MessageName<P>>(
      protocol: P,
      id: string,
      message: K,
      payload: Payload<P, K>,
      options?: SendOptions
    ) => Effect.Effect<void, SendError>

    /**
     * Sends a message and waits for its answer, which comes after what the message did is committed.
     *
     * While there is none it sends the message again with the same id every few seconds: an answer that was lost with
     * a process is given again, and nothing is done twice.
     */
    readonly ask: <P extends Protocol, K extends AskName<P>>(
      protocol: P,
      id: string,
      message: K,
      payload: Payload<P, K>,
      options?: AskOptions
    ) => Effect.Effect<Reply<P, K>, AskError | Refusal<P, K>>

    /** The same for one actor, of which only its own messages can be told or asked. */
    readonly ref: <P extends Protocol>(protocol: P, id: string) => Ref<P>
  }
>()("conclave/runtime/Actors") {
  static readonly layer: Layer.Layer<Actors, ReadError, ActorLog> = Layer.effect(
    this,
    Effect.gen(function* () {
      const log = yield* ActorLog
      const clock = yield* Clock.Clock
      const outbox = new Outbox(log)
      const pressures = new Pressures(() => clock.currentTimeMillisUnsafe())
      const asks = new Asks(log, outbox, pressures)
      yield* Effect.forkScoped(outbox.run)
      yield* log.answers((payload) => asks.take(payload))
      yield* log.broadcasts((payload) => {
        const pressure = parsePressure(payload)
        if (pressure !== undefined) pressures.heard(pressure)
      })
      const tell: Actors["Service"]["tell"] = (protocol, id, message, payload, options) =>
        withTrace((trace): Effect.Effect<void, SendError> => {
          const mail = makeMail({ protocol, id, message, payload, options, trace })
          return mail instanceof Error ? Effect.fail(mail) : (refusal(pressures, mail.to) ?? outbox.send(mail))
        })
      const ask: Actors["Service"]["ask"] = (protocol, id, message, payload, options) =>
        withTrace((trace) => asks.ask(protocol, id, message, payload, options, trace))
      const ref: Actors["Service"]["ref"] = (protocol, id) => ({
        address: addressOf(protocol, id),
        tell: (message, payload, options) => tell(protocol, id, message, payload, options),
        ask: (message, payload, options) => ask(protocol, id, message, payload, options)
      })
      return Actors.of({ tell, ask, ref })
    })
  )
}

const ASK_TIMEOUT = Duration.seconds(10)
const ASK_AGAIN = "4 seconds"

/** The asks of this process that wait for their answers. */
class Asks {
  readonly #log: ActorLog["Service"]
  readonly #outbox: Outbox
  readonly #pressures: Pressures
  /** By actor and message id: the same ask can be made twice at once. */
  readonly #waiting = new Map<string, Set<(reply: ReplyEnvelope) => void>>()

  constructor(log: ActorLog["Service"], outbox: Outbox, pressures: Pressures) {
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
      const again: Mail = { ...entry, payload: `${entry.payload.slice(0, -1)},"again":true}` }
      return this.#answerTo(nameOf(formatAddress(mail.to), messageId)).pipe(
        Effect.raceFirst(
          // Once it is stored it is processed: from then on only the answer can be missing.
          this.#outbox
            .send(entry)
            .pipe(Effect.andThen(Effect.delay(this.#outbox.send(again), ASK_AGAIN).pipe(Effect.forever)))
        ),
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => {
            const actor = formatAddress(mail.to)
            return Effect.fail(new AskTimeout({ actor, message_type: message, timeout_ms: Duration.toMillis(timeout) }))
          }
        }),
        Effect.flatMap((reply) => readReply<P, K>(protocol.messages[message], mail.to, message, reply))
      )
    })
  }

  #answerTo(name: string): Effect.Effect<ReplyEnvelope> {
    return Effect.suspend(() => {
      let resumeOnReply: (reply: ReplyEnvelope) => void = () => undefined
      return Effect.callback<ReplyEnvelope>((resume) => {
        resumeOnReply = (reply) => resume(Exit.succeed(reply))
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

type Mail = Extract<Entry, { kind: "mail" }>

/** It becomes a header: control characters would end it, and spaces at its ends be lost. */
const MESSAGE_ID = /^(?!\s)[^\p{Cc}\p{Cs}]{1,256}(?<!\s)$/u

/** A message as its caller gives it; `asked` where there is to be an answer. */
interface Message {
  readonly protocol: Protocol
  readonly id: string
  readonly message: string
  readonly payload: unknown
  readonly options: SendOptions | undefined
  readonly trace: string | undefined
  readonly asked?: { readonly id: string; readonly inbox: string }
}

const makeMail = (given: Message): Mail | InvalidAddress | InvalidMessage => {
  const { protocol, message, options, asked } = given
  const to = addressOf(protocol, given.id)
  const fault = addressFault(to)
  if (fault !== undefined) return fault
  const own = options?.messageId
  if (own !== undefined && !MESSAGE_ID.test(own)) {
    const detail = `the message id ${JSON.stringify(own.slice(0, 64))} is not 1 to 256 characters without line breaks`
    return new InvalidMessage({ actor: formatAddress(to), message_type: message, detail })
  }
  const spec = protocol.messages[message]
  try {
    if (spec === undefined) throw new Error("the protocol has no such message")
    const messageId = asked?.id ?? own
    const envelope = {
      kind: "message",
      message,
      body: encoder(spec.payload)(given.payload),
      correlation: options?.correlationId ?? messageId ?? "",
      ...opt("id", messageId),
      ...opt("reply", asked?.inbox),
      ...(own !== undefined && { keep: true }),
      ...(protocol.version !== undefined && { v: protocol.version }),
      ...opt("trace", given.trace)
    }
    return { kind: "mail", to, payload: JSON.stringify(envelope), ...opt("id", messageId) }
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    return new InvalidMessage({ actor: formatAddress(to), message_type: message, detail })
  }
}

/** The refusal of a message to an actor that has too much mail. */
const refusal = (pressures: Pressures, to: Address): Effect.Effect<never, MailboxFull> | undefined => {
  const actor = formatAddress(to)
  const pressed = pressures.of(actor)
  if (pressed === undefined) return undefined
  return Effect.fail(new MailboxFull({ actor, waiting: pressed.waiting, retry_after_ms: Math.ceil(pressed.millis) }))
}

const opt = <K extends string>(key: K, value: string | undefined): { readonly [N in K]?: string } => {
  const present: { [N in K]?: string } = {}
  if (value !== undefined) present[key] = value
  return present
}

const readReply = <P extends Protocol, K extends AskName<P>>(
  spec: MessageSpec | undefined,
  to: Address,
  message: string,
  reply: ReplyEnvelope
): Effect.Effect<Reply<P, K>, ActorFailed | ActorStopped | Refusal<P, K>> =>
  Effect.suspend((): Effect.Effect<Reply<P, K>, ActorFailed | ActorStopped | Refusal<P, K>> => {
    const actor = formatAddress(to)
    try {
      // The protocol's schemas give exactly these types.
      if (reply.outcome === "ok") return Effect.succeed(decoder(spec?.reply)(reply.body) as Reply<P, K>)
      if (reply.outcome === "error") return Effect.fail(decoder(spec?.error)(reply.body) as Refusal<P, K>)
      if (reply.outcome === "stopped") return Effect.fail(new ActorStopped({ actor, message_type: message }))
      return Effect.fail(new ActorFailed({ actor, message_type: message, detail: detailOf(reply.body) }))
    } catch (cause) {
      return Effect.fail(new ActorFailed({ actor, message_type: message, detail: String(cause) }))
    }
  })

const detailOf = (body: unknown): string =>
  typeof body === "object" && body !== null && "detail" in body ? String(body.detail) : "no detail"
