import { Context, type Effect, type Duration } from "effect"
import type { InvalidAddress } from "./address.ts"
import type {
  ActorFailed,
  AppendError,
  AskTimeout,
  InvalidMessage,
  MailboxFull
} from "./errors.ts"
import type { AskName, MessageName, Payload, Protocol, Refusal, Reply } from "./protocol.ts"

export interface SendOptions {
  /** The caller's own id for the message: told or asked again with it, the message has one effect. */
  readonly messageId?: string
  readonly correlationId?: string
}

export interface AskOptions extends SendOptions {
  /** How long to wait for the answer; 10 seconds unless given. */
  readonly timeout?: Duration.Input
}

export type SendError = InvalidAddress | InvalidMessage | MailboxFull | AppendError
export type AskError = SendError | AskTimeout | ActorFailed

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

    /** Sends a message and waits for its answer, which comes after what the message did is committed. */
    readonly ask: <P extends Protocol, K extends AskName<P>>(
      protocol: P,
      id: string,
      message: K,
      payload: Payload<P, K>,
      options?: AskOptions
    ) => Effect.Effect<Reply<P, K>, AskError | Refusal<P, K>>
  }
>()("conclave/runtime/Actors") {}
