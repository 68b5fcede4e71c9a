import { Clock, Context, Effect, Layer, type Scope } from "effect"
import type { Address } from "./address.ts"
import { Asks } from "./asks.ts"
import { elapsedBy } from "./elapsed.ts"
import type { ReadError } from "./errors.ts"
import { ActorLog, ClientLog } from "./log.ts"
import { Outbox } from "./outbox.ts"
import { Pressures, parsePressure } from "./pressure.ts"
import {
  type AskName,
  addressOf,
  type MessageName,
  type Payload,
  type Protocol,
  type Refusal,
  type Reply
} from "./protocol.ts"
import { type AskError, type AskOptions, makeMail, refusal, type SendError, type SendOptions } from "./sending.ts"
import { withTrace } from "./trace.ts"

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
    Effect.flatMap(ActorLog, (log) => makeActors(log))
  )

  /** The same for a process that may not touch what is stored. */
  static readonly layerOutside: Layer.Layer<Actors, ReadError, ClientLog> = Layer.effect(
    this,
    Effect.flatMap(ClientLog, (log) => makeActors(log))
  )
}

const makeActors = (log: ClientLog["Service"]): Effect.Effect<Actors["Service"], ReadError, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const outbox = new Outbox(log)
    const pressures = new Pressures(elapsedBy(clock))
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
