// What a whole system does for a program, as effects. `running.ts` has the same as promises.
import { Effect, Schema, type Scope } from "effect"
import type { AgentTestReport } from "../evaluation/index.ts"
import type { AnalysisProgress } from "../gateway/index.ts"
import { OperationFailed, type ProgramOperations, readGiven } from "../gateway/index.ts"
import {
  AgentTestsBody,
  type AnalysisResult,
  type AnalyzeRequest,
  type ConsensusBody,
  type ConsensusOpened,
  type ConsensusResult,
  MarketSimulationBody,
  type SystemStatus,
  type TaskProgress,
  type VoteBody
} from "../protocols/index.ts"
import { Actors, type InvalidOption, readOptions, wholeBetween } from "../runtime/index.ts"
import { listener } from "./callbacks.ts"
import { type Parts, startParts } from "./compose.ts"
import type { AgentSystemOptions } from "./options.ts"
import { beginSimulation, type MarketSimulation, type SimulatedSymbols } from "./simulation.ts"
import {
  type CoordinationEvent,
  type CoordinationFilter,
  type DecisionEvent,
  type DecisionFilter,
  type EventSubscription,
  type QueueOptions,
  type SubscribeError,
  subscribe,
  type ToolEvent,
  type ToolFilter,
  wantedCoordination,
  wantedDecisions,
  wantedEvents,
  wantedTools
} from "./subscription.ts"
import { agentTests } from "./tasks.ts"

/** An analysis as a program asks for it. */
export type AnalysisWanted = typeof AnalyzeRequest.Encoded
/** A round as a program asks for it. */
export type ConsensusWanted = typeof ConsensusBody.Encoded
/** A vote from outside, with the voter's secret. */
export type VoteGiven = typeof VoteBody.Encoded
/** A simulated market as a program asks for it. */
export type SimulationWanted = typeof MarketSimulationBody.Encoded
/** Which agent tests a program asks for. */
export type AgentTestsWanted = typeof AgentTestsBody.Encoded

type Subscribed<E> = E extends { readonly data: infer A } ? EventSubscription<A> : never

/** What a whole system does for a program. docs/SYSTEM.md says more of each. */
export interface AgentSystemService {
  /** The NATS server's address, with its password where it is the system's own. */
  readonly nats: string
  /** Where the gateway listens, `http://127.0.0.1:8080`; nothing where there is none. */
  readonly gateway: string | undefined
  /** One analysis: the panel votes, and one decision comes back. `onProgress` hears how far it has come; what it throws is logged. */
  readonly runRealTimeAnalysis: (
    request: AnalysisWanted,
    onProgress?: (progress: AnalysisProgress) => void
  ) => Effect.Effect<AnalysisResult, OperationFailed | InvalidOption>
  /** Opens a round; who votes from outside gets a secret, which is said this once. */
  readonly requestConsensus: (request: ConsensusWanted) => Effect.Effect<ConsensusOpened, OperationFailed>
  /** Votes from outside. */
  readonly castVote: (consensusId: string, vote: VoteGiven) => Effect.Effect<void, OperationFailed>
  /** The result of a round; null while it is open, for which it waits up to `waitMs` milliseconds, 0 unless given. */
  readonly getConsensusResult: (
    consensusId: string,
    options?: { readonly waitMs?: number }
  ) => Effect.Effect<ConsensusResult | null, OperationFailed | InvalidOption>
  /** Begins to feed a simulated market, until it ends, is stopped, or the scope closes. One at a time of a symbol. */
  readonly simulateMarketStream: (
    options?: SimulationWanted
  ) => Effect.Effect<MarketSimulation, OperationFailed, Scope.Scope>
  /** Runs the agent tests beside the system, whose actors they do not touch. */
  readonly runAgentTests: (
    options?: AgentTestsWanted,
    onProgress?: (progress: TaskProgress) => void
  ) => Effect.Effect<AgentTestReport, OperationFailed | InvalidOption>
  /** How the parts are, and what was done, as the actors count it; found out anew every two seconds at most. */
  readonly getSystemStatus: Effect.Effect<SystemStatus, OperationFailed>
  /** What agents decide, from now on. */
  readonly decisions: (filter?: DecisionFilter) => Effect.Effect<Subscribed<DecisionEvent>, SubscribeError, Scope.Scope>
  /** What tools are used, and what they gave. */
  readonly tools: (filter?: ToolFilter) => Effect.Effect<Subscribed<ToolEvent>, SubscribeError, Scope.Scope>
  /** What agents say to one another: requests, votes, results. */
  readonly coordination: (
    filter?: CoordinationFilter
  ) => Effect.Effect<Subscribed<CoordinationEvent>, SubscribeError, Scope.Scope>
  /** Any events, by a pattern of subjects such as `market.*`. */
  readonly events: (
    pattern: string,
    options?: QueueOptions
  ) => Effect.Effect<EventSubscription<{ readonly [name: string]: unknown }>, SubscribeError, Scope.Scope>
  /** Talks to the actors themselves. */
  readonly actors: Actors["Service"]
  /** Fails once the system cannot go on: its server has ended, or its node cannot hold what it holds. */
  readonly broken: Effect.Effect<never, Error>
}

const POLL = "50 millis"
const ResultOptions = Schema.Struct({ waitMs: Schema.optional(wholeBetween(0, 86_400_000)) })

/** A whole system, until the scope closes. */
export const startSystem = (options: AgentSystemOptions): Effect.Effect<AgentSystemService, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const parts = yield* startParts(options)
    const told = Effect.tapError(parts.broken, (error) => Effect.logError(`the system cannot go on: ${error.message}`))
    yield* Effect.forkScoped(Effect.exit(told))
    return serviceOf(parts)
  })

const serviceOf = (parts: Parts): AgentSystemService => {
  const { server, actors, events, gateway, operations, simulated, broken } = parts
  const subscribed = <A>(
    wanted: Effect.Effect<{ readonly pattern: string; readonly data: Schema.Decoder<A> }, SubscribeError>,
    options: QueueOptions
  ) => Effect.flatMap(wanted, (each) => subscribe(events, each, options))
  return {
    nats: server.url,
    gateway: gateway?.url,
    runRealTimeAnalysis: (request, onProgress) =>
      Effect.flatMap(listener("onProgress", onProgress), (tell) => operations.analyze(request, tell)),
    requestConsensus: operations.openConsensus,
    castVote: operations.castVote,
    getConsensusResult: (id, options = {}) =>
      Effect.flatMap(Effect.fromResult(readOptions(ResultOptions, options)), ({ waitMs = 0 }) =>
        resultOf(operations, id, waitMs)
      ),
    simulateMarketStream: (options = {}) => simulate(options, simulated, actors),
    runAgentTests: (options = {}, onProgress) =>
      Effect.flatMap(listener("onProgress", onProgress), (tell) => testAgents(options, tell)),
    getSystemStatus: operations.systemStatus,
    decisions: (filter = {}) => subscribed(wantedDecisions(filter), filter),
    tools: (filter = {}) => subscribed(wantedTools(filter), filter),
    coordination: (filter = {}) => subscribed(wantedCoordination(filter), filter),
    events: (pattern, options = {}) => subscribed(wantedEvents(pattern, options), options),
    actors,
    broken
  }
}

const resultOf = (operations: ProgramOperations, id: string, waitMs: number) => {
  const look = Effect.map(operations.consensusStatus(id), ({ result }) => result)
  const closed: Effect.Effect<ConsensusResult | null, OperationFailed> = Effect.flatMap(look, (result) =>
    result === null ? Effect.andThen(Effect.sleep(POLL), closed) : Effect.succeed(result)
  )
  return Effect.flatMap(look, (result) =>
    result !== null || waitMs <= 0
      ? Effect.succeed(result)
      : Effect.timeoutOrElse(closed, { duration: waitMs, orElse: () => Effect.succeed(null) })
  )
}

const simulate = (options: SimulationWanted, simulated: SimulatedSymbols, actors: Actors["Service"]) =>
  Effect.flatMap(readGiven(MarketSimulationBody, options), (body) =>
    beginSimulation(body, simulated).pipe(
      Effect.catchTag("SimulationRunning", ({ message }) =>
        Effect.fail(
          new OperationFailed({ code: "simulation-running", detail: `${message}: stop it first`, field: "symbols" })
        )
      ),
      Effect.provideService(Actors, actors)
    )
  )

const testAgents = (options: AgentTestsWanted, progress: ((progress: TaskProgress) => void) | undefined) =>
  Effect.flatMap(readGiven(AgentTestsBody, options), (body) =>
    agentTests(body, (done, total) => progress?.({ done, total }))
  )
