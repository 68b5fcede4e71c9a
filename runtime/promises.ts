// The runtime for a program that does not use Effect: a system of actors behind promises.
import { Cause, Effect, Exit, Layer, Logger, ManagedRuntime, Option, Random, References, Result, Schema } from "effect"
import type { Actor } from "./actor.ts"
import { Actors } from "./client.ts"
import { layerNode } from "./engine/node/layer.ts"
import { omitUndefined } from "./omit-undefined.ts"
import { layerNats, layerNatsOutside } from "./on-nats.ts"
import { kept, LogLevel, NAMESPACE_RULE, Namespace, NatsAddresses, readOptions, Time, textOf } from "./options.ts"
import type { AskName, MessageName, Payload, Protocol, Reply } from "./protocol.ts"
import type { AskOptions, SendOptions } from "./sending.ts"

/** The actor refused what it was asked, with the error of its protocol, in `refusal`. */
export class AskRefused extends Schema.TaggedError<AskRefused>()("AskRefused", {
  actor: Schema.String,
  message_type: Schema.String,
  refusal: Schema.Unknown
}) {
  override get message() {
    return `${this.actor} refused ${this.message_type}: ${JSON.stringify(this.refusal)}`
  }
}

/** The system was closed: it sends nothing any more. */
export class ActorSystemClosed extends Schema.TaggedError<ActorSystemClosed>()("ActorSystemClosed", {}) {
  override get message() {
    return "the system of actors was closed"
  }
}

export interface ActorSystemOptions {
  /** The actors that run in this process; none unless given: then it only talks to those of others. */
  readonly actors?: ReadonlyArray<Actor>
  /** The NATS servers, with commas between; `nats://127.0.0.1:4222` unless given. */
  readonly url?: string
  /** Several systems on one NATS have one each: 1 to 32 of a-z 0-9 _, with a letter first. */
  readonly namespace: string
  /** The name of this process among those of the system, which no other live one has: 1 to 64 letters, digits or dashes; drawn at random unless given. */
  readonly name?: string
  /** What is logged to stderr; `Warn` unless given. */
  readonly log?: "None" | "Error" | "Warn" | "Info" | "Debug"
}

/** A system of actors, by promises. What is rejected is one of the runtime's errors, each with a sentence. */
export interface ActorSystem extends AsyncDisposable {
  /** Sends a message and waits for its answer, which comes after what it did is stored. What the actor refuses is `AskRefused`. */
  readonly ask: <P extends Protocol, K extends AskName<P>>(
    protocol: P,
    id: string,
    message: K,
    payload: Payload<P, K>,
    options?: AskOptions
  ) => Promise<Reply<P, K>>
  /** Stores a message in the actor's mailbox; once it resolves the message will be processed, exactly once. */
  readonly tell: <P extends Protocol, K extends MessageName<P>>(
    protocol: P,
    id: string,
    message: K,
    payload: Payload<P, K>,
    options?: SendOptions
  ) => Promise<void>
  /** Hands the actors over to other processes and ends. Called again it waits for the same end. */
  readonly close: () => Promise<void>
}

const URL = "nats://127.0.0.1:4222"

/**
 * Runs actors in this process, and talks to them and to those of others, until it is closed. Rejects with `InvalidOption` where an option
 * is none or cannot be used, and where NATS cannot.
 */
export const createSystem = async (options: ActorSystemOptions): Promise<ActorSystem> => {
  const runtime = ManagedRuntime.make(layerOf(omitUndefined(given(SystemOptions, options))))
  let closing: Promise<void> | undefined
  const run = async <A, E>(effect: Effect.Effect<A, E, Actors>, refused: (error: E) => unknown): Promise<A> => {
    if (closing !== undefined) throw new ActorSystemClosed()
    const exit = await runtime.runPromiseExit(effect)
    if (Exit.isSuccess(exit)) return exit.value
    if (closing !== undefined && Cause.hasInterruptsOnly(exit.cause)) throw new ActorSystemClosed()
    const failure = Cause.findErrorOption(exit.cause)
    throw Option.isSome(failure) && !(failure.value instanceof Error)
      ? refused(failure.value)
      : Cause.squash(exit.cause)
  }
  const close = () => {
    closing ??= runtime.dispose()
    return closing
  }
  try {
    await runtime.context()
  } catch (error) {
    await close()
    throw error
  }
  return {
    ask: async (protocol, id, message, payload, options = {}) =>
      run(
        Actors.use(({ ask }) => ask(protocol, id, message, payload, omitUndefined(given(AskGiven, options)))),
        (refusal) => new AskRefused({ actor: `${protocol.type}/${id}`, message_type: message, refusal })
      ),
    tell: async (protocol, id, message, payload, options = {}) =>
      run(
        Actors.use(({ tell }) => tell(protocol, id, message, payload, omitUndefined(given(SendGiven, options)))),
        (error) => error
      ),
    close,
    [Symbol.asyncDispose]: close
  }
}

const isActor = (actor: unknown): actor is Actor =>
  typeof actor === "object" &&
  actor !== null &&
  "type" in actor &&
  typeof actor.type === "string" &&
  "definition" in actor &&
  typeof actor.definition === "object"

const SystemOptions = Schema.Struct({
  actors: Schema.optional(
    Schema.Array(kept(isActor, "must be what define gives")).check(
      Schema.makeFilter(
        (actors) =>
          new Set(actors.map(({ type }) => type)).size === actors.length || "must hold each type of actor once"
      )
    )
  ),
  url: Schema.optional(NatsAddresses),
  namespace: Namespace.annotateKey({ messageMissingKey: NAMESPACE_RULE }),
  name: Schema.optional(textOf(/^[A-Za-z0-9-]{1,64}$/, "must be 1 to 64 letters, digits or dashes")),
  log: Schema.optional(LogLevel)
})

const isText = (given: unknown): given is string => typeof given === "string"
const Text = kept(isText, "must be a text")
// What the texts have to be is said where they are sent.
const sendFields = {
  messageId: Schema.optional(Text),
  correlationId: Schema.optional(Text),
  once: Schema.optional(Schema.Struct({ key: Text, digest: Text }))
}
const SendGiven = Schema.Struct(sendFields)
const AskGiven = Schema.Struct({ ...sendFields, timeout: Schema.optional(Time) })

const given = <A>(schema: Schema.Decoder<A>, options: unknown): A => Result.getOrThrow(readOptions(schema, options))

const drawnName = Effect.map(Random.nextIntBetween(0, 2 ** 48), (drawn) => `node-${drawn.toString(36)}`)

const layerOf = ({
  actors = [],
  url = URL,
  namespace,
  name,
  log = "Warn"
}: ActorSystemOptions): Layer.Layer<Actors, Error> => {
  const logging = Layer.mergeAll(
    Logger.layer([Logger.consolePretty()]),
    Layer.succeed(Logger.LogToStderr, true),
    Layer.succeed(References.MinimumLogLevel, log)
  )
  const system: Layer.Layer<Actors, Error> = Layer.unwrap(
    Effect.map(name === undefined ? drawnName : Effect.succeed(name), (own): Layer.Layer<Actors, Error> => {
      const nats = { url, namespace, name: own }
      return actors.length === 0
        ? layerNatsOutside(nats)
        : Layer.provideMerge(layerNode({ name: own, actors }), layerNats(nats))
    })
  )
  return Layer.provideMerge(system, logging)
}
