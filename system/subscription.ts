// Events for a program: each subscription has a queue of its own, of a bounded length.
import { Cause, Effect, Option, Queue, Schema, type Scope, Stream } from "effect"
import {
  AgentType,
  CoordinationKind,
  events,
  MarketSymbol,
  Pattern,
  symbolToken,
  ToolName
} from "../protocols/index.ts"
import {
  Callback,
  type EventLog,
  InvalidOption,
  kept,
  type LogUnavailable,
  oneOf,
  type PublishedEvent,
  readOptions,
  wholeBetween
} from "../runtime/index.ts"

/** An event as clients of the gateway see it. */
export interface SystemEvent<A> {
  readonly type: string
  /** Its place in the log: events come in this order. */
  readonly seq: number
  readonly subject: string
  readonly data: A
}

export type DecisionEvent = SystemEvent<(typeof events.agent_decision)["data"]["Type"]>
export type ToolEvent = SystemEvent<(typeof events.tool_execution)["data"]["Type"]>
export type CoordinationEvent = SystemEvent<(typeof events.agent_coordination)["data"]["Type"]>

/** As many events came as the queue holds before any was taken, and the subscription was to end rather than lose some. */
export class SubscriptionOverflow extends Schema.TaggedError<SubscriptionOverflow>()("SubscriptionOverflow", {
  pattern: Schema.String,
  queue: Schema.Int
}) {
  override get message() {
    return `${this.queue} events of ${this.pattern} waited to be taken, as many as the subscription holds: it has ended`
  }
}

export interface QueueOptions {
  /** How many events wait to be taken at most; 1024 unless given, and 1,000,000 at most. */
  readonly queue?: number
  /**
   * What happens to an event that finds the queue full: `drop_oldest` makes room by forgetting the oldest, and counts it (the default);
   * `fail` ends the subscription with `SubscriptionOverflow`, after what had been queued.
   */
  readonly overflow?: "drop_oldest" | "fail"
}

/** Which decisions: of one symbol, of one agent type, or both; all unless given. */
export interface DecisionFilter extends QueueOptions {
  readonly symbol?: string
  readonly agent_type?: string
}

/** Which uses of tools: by one agent type, of one tool, or both; all unless given. */
export interface ToolFilter extends QueueOptions {
  readonly agent_type?: string
  readonly tool?: string
}

/** What agents say to one another: about one symbol, of one kind (`vote`, `consensus_result` …), or both; all unless given. */
export interface CoordinationFilter extends QueueOptions {
  readonly symbol?: string
  readonly message_type?: CoordinationKind
}

/** What has been subscribed to, until its scope closes. */
export interface EventSubscription<A> {
  readonly stream: Stream.Stream<SystemEvent<A>, SubscriptionOverflow>
  /** How many events were forgotten because the queue was full. */
  readonly dropped: () => number
}

export type SubscribeError = InvalidOption | LogUnavailable

/** What is subscribed to, and what its events hold. */
interface Wanted<A> {
  readonly pattern: string
  readonly data: Schema.Decoder<A>
}

const queueFields = {
  queue: Schema.optional(wholeBetween(1, 1_000_000)),
  overflow: Schema.optional(oneOf(["drop_oldest", "fail"])),
  /** Of a subscription by a callback, which is given the same filter. */
  onError: Schema.optional(Callback)
}
const OfSymbol = Schema.optional(kept(Schema.is(MarketSymbol), "must be a symbol, such as ACME"))
const ByType = Schema.optional(kept(Schema.is(AgentType), "must be an agent type, such as market_analyst"))
const OfTool = Schema.optional(kept(Schema.is(ToolName), "must be the name of a tool, such as rsi"))
const OfKind = Schema.optional(oneOf(CoordinationKind.literals))

const Queued = Schema.Struct(queueFields)
const Decisions = Schema.Struct({ ...queueFields, symbol: OfSymbol, agent_type: ByType })
const Tools = Schema.Struct({ ...queueFields, agent_type: ByType, tool: OfTool })
const Coordination = Schema.Struct({ ...queueFields, symbol: OfSymbol, message_type: OfKind })

const token = (given: string | undefined) => (given === undefined ? "*" : symbolToken(given))

/** What is given of a subscription, checked. */
const read = <A>(schema: Schema.Decoder<A>, given: unknown) => Effect.fromResult(readOptions(schema, given))

/** What can be subscribed to. */
export const wantedDecisions = (filter: DecisionFilter) =>
  Effect.map(read(Decisions, filter), ({ symbol, agent_type }) => ({
    pattern: `decision.${token(symbol)}.${token(agent_type)}`,
    data: events.agent_decision.data
  }))

export const wantedTools = (filter: ToolFilter) =>
  Effect.map(read(Tools, filter), ({ agent_type, tool }) => ({
    pattern: `tool.${token(agent_type)}.${token(tool)}`,
    data: events.tool_execution.data
  }))

export const wantedCoordination = (filter: CoordinationFilter) =>
  Effect.map(read(Coordination, filter), ({ symbol, message_type }) => ({
    pattern: `coordination.${token(message_type)}.${token(symbol)}`,
    data: events.agent_coordination.data
  }))

export const wantedEvents = (pattern: string, options: QueueOptions) =>
  Effect.gen(function* () {
    yield* read(Queued, options)
    const sound = yield* Effect.mapError(
      Schema.decodeUnknownEffect(Pattern)(pattern),
      ({ message }) => new InvalidOption({ option: "pattern", rule: `is no pattern of subjects: ${message}` })
    )
    return { pattern: sound, data: Schema.Record(Schema.String, Schema.Unknown) }
  })

/** Subscribes to events that are stored from now on, until the scope closes: each once, in order, also where the connection is lost. */
export const subscribe = <A>(
  log: EventLog["Service"],
  { pattern, data }: Wanted<A>,
  { queue: most = 1_024, overflow = "drop_oldest" }: QueueOptions
): Effect.Effect<EventSubscription<A>, SubscribeError, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Effect.acquireRelease(
      Queue.dropping<SystemEvent<A>, SubscriptionOverflow | Cause.Done>(most),
      Queue.end
    )
    const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ type: Schema.String, data })))
    const context = yield* Effect.context<never>()
    let dropped = 0
    const warn = () =>
      Effect.runForkWith(context)(
        Effect.logWarning(`events of ${pattern} come faster than they are taken: the oldest are forgotten`)
      )
    const see = ({ subject, sequence, payload }: PublishedEvent) => {
      const event = Option.getOrUndefined(decode(payload))
      // What is no event of this kind is somebody else's.
      if (event === undefined) return
      if (Queue.isFullUnsafe(queue)) {
        if (overflow === "fail") {
          Queue.failCauseUnsafe(queue, Cause.fail(new SubscriptionOverflow({ pattern, queue: most })))
          return
        }
        Queue.takeUnsafe(queue)
        if (dropped++ === 0) warn()
      }
      Queue.offerUnsafe(queue, { type: event.type, seq: sequence, subject, data: event.data })
    }
    yield* log.follow(pattern, see)
    return { stream: Stream.fromQueue(queue), dropped: () => dropped }
  })
