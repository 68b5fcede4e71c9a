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
import { type EventLog, InvalidOption, type LogUnavailable, type PublishedEvent } from "../runtime/index.ts"

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

const QUEUE_MAX = 1_000_000

/** What is subscribed to, and what its events hold. */
interface Wanted<A> {
  readonly pattern: string
  readonly data: Schema.Decoder<A>
}

const token = <A extends string>(
  option: string,
  given: string | undefined,
  schema: Schema.Decoder<A>,
  rule: string
): Effect.Effect<string, InvalidOption> => {
  if (given === undefined) return Effect.succeed("*")
  return Schema.is(schema)(given)
    ? Effect.succeed(symbolToken(given))
    : Effect.fail(new InvalidOption({ option, rule }))
}

const symbolOf = (given: string | undefined) => token("symbol", given, MarketSymbol, "must be a symbol, such as ACME")
const typeOf = (given: string | undefined) =>
  token("agent_type", given, AgentType, "must be an agent type, such as market_analyst")

const kindOf = (given: string | undefined) =>
  token("message_type", given, CoordinationKind, `must be one of ${CoordinationKind.literals.join(", ")}`)

/** What can be subscribed to. */
export const wantedDecisions = ({ symbol, agent_type }: DecisionFilter) =>
  Effect.map(Effect.all([symbolOf(symbol), typeOf(agent_type)]), ([of, by]) => ({
    pattern: `decision.${of}.${by}`,
    data: events.agent_decision.data
  }))

export const wantedTools = ({ agent_type, tool }: ToolFilter) =>
  Effect.map(
    Effect.all([typeOf(agent_type), token("tool", tool, ToolName, "must be the name of a tool, such as rsi")]),
    ([by, of]) => ({ pattern: `tool.${by}.${of}`, data: events.tool_execution.data })
  )

export const wantedCoordination = ({ symbol, message_type }: CoordinationFilter) =>
  Effect.map(Effect.all([kindOf(message_type), symbolOf(symbol)]), ([kind, of]) => ({
    pattern: `coordination.${kind}.${of}`,
    data: events.agent_coordination.data
  }))

export const wantedEvents = (pattern: string) =>
  Effect.map(
    Effect.mapError(
      Schema.decodeUnknownEffect(Pattern)(pattern),
      ({ message }) => new InvalidOption({ option: "pattern", rule: `is no pattern of subjects: ${message}` })
    ),
    (sound) => ({ pattern: sound, data: Schema.Record(Schema.String, Schema.Unknown) })
  )

/** Subscribes to events that are stored from now on, until the scope closes: each once, in order, also where the connection is lost. */
export const subscribe = <A>(
  log: EventLog["Service"],
  { pattern, data }: Wanted<A>,
  { queue: most = 1_024, overflow = "drop_oldest" }: QueueOptions
): Effect.Effect<EventSubscription<A>, SubscribeError, Scope.Scope> =>
  Effect.gen(function* () {
    if (!Number.isInteger(most) || most < 1 || most > QUEUE_MAX) {
      return yield* new InvalidOption({ option: "queue", rule: `must be a whole number from 1 to ${QUEUE_MAX}` })
    }
    const queue = yield* Effect.acquireRelease(
      Queue.dropping<SystemEvent<A>, SubscriptionOverflow | Cause.Done>(most),
      Queue.end
    )
    const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ type: Schema.String, data })))
    let dropped = 0
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
        dropped++
      }
      Queue.offerUnsafe(queue, { type: event.type, seq: sequence, subject, data: event.data })
    }
    yield* log.follow(pattern, see)
    return { stream: Stream.fromQueue(queue), dropped: () => dropped }
  })
