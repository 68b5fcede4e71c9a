import type { Duration } from "effect"
import { Effect } from "effect"
import { type Address, addressFault, formatAddress, type InvalidAddress } from "./address.ts"
import { encoder } from "./codec.ts"
import {
  type ActorFailed,
  type ActorStopped,
  type ActorUnavailable,
  type AppendError,
  type AskTimeout,
  InvalidMessage,
  type KeyReused,
  MailboxFull,
  type NoNodeServes,
  type Overloaded
} from "./errors.ts"
import type { Entry } from "./log.ts"
import type { Pressures } from "./pressure.ts"
import { addressOf, type Protocol } from "./protocol.ts"

export interface SendOptions {
  /**
   * The caller's own id for the message, 1 to 256 characters: told or asked again with it, the message has one effect and
   * gets the same answer, as long as its actor remembers the id: while it is among the latest 256 and for a day, unless the
   * actor's type says otherwise.
   */
  readonly messageId?: string
  readonly correlationId?: string
  /**
   * What a key of the caller's own stands for, where there is a `messageId`: while the actor remembers a message with this key, it
   * refuses another one with the key and another digest (`KeyReused`), whatever its id. Neither may hold a colon.
   */
  readonly once?: { readonly key: string; readonly digest: string }
}

export interface AskOptions extends SendOptions {
  /** How long to wait for the answer; 10 seconds unless given. */
  readonly timeout?: Duration.Input
}

export type SendError = InvalidAddress | InvalidMessage | MailboxFull | Overloaded | AppendError
export type AskError = SendError | AskTimeout | ActorUnavailable | ActorFailed | ActorStopped | KeyReused | NoNodeServes

export type Mail = Extract<Entry, { kind: "mail" }>

/** It becomes a header: control characters would end it, and spaces at its ends be lost. */
export const MESSAGE_ID = /^(?!\s)[^\p{Cc}\p{Cs}]{1,256}(?<!\s)$/u

/** A message as its caller gives it; `asked` where there is to be an answer. */
export interface Message {
  readonly protocol: Protocol
  readonly id: string
  readonly message: string
  readonly payload: unknown
  readonly options: SendOptions | undefined
  readonly trace: string | undefined
  readonly asked?: { readonly id: string; readonly inbox: string }
}

/** The message as it is stored, or what is wrong with it. */
export const makeMail = (given: Message): Mail | InvalidAddress | InvalidMessage => {
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
      ...(options?.once !== undefined && { once: `${options.once.key}:${options.once.digest}` }),
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
export const refusal = (pressures: Pressures, to: Address): Effect.Effect<never, MailboxFull> | undefined => {
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
