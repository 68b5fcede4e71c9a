// The operations of clients for a program that is in the same process as the actors: the same rules, without a socket between.
import { Clock, Context, Effect, Result, Schema, type Scope } from "effect"
import {
  type AnalysisResult,
  AnalyzeRequest,
  CancelBody,
  type ComponentHealth,
  ConsensusBody,
  ConsensusId,
  type ConsensusOpened,
  type RoundStatus,
  type SystemStatus,
  VoteBody
} from "../protocols/index.ts"
import { Actors, EventLog } from "../runtime/index.ts"
import { type Failure, invalidRequest } from "./failures/failure.ts"
import { faultOf } from "./failures/fault.ts"
import { runAnalysis } from "./operations/analysis.ts"
import type { Caller } from "./operations/caller.ts"
import { cancelConsensus, castVote, consensusStatus, openConsensus } from "./operations/consensus.ts"
import { failureOf, type OperationFailure } from "./operations/failures.ts"
import { GatewayState } from "./operations/gateway-state.ts"
import { Keys } from "./operations/keys.ts"
import type { AnalysisProgress } from "./operations/progress.ts"
import { systemStatusOf } from "./operations/system.ts"
import { Tasks } from "./operations/tasks.ts"
import type { NotReady } from "./serving.ts"
import { makeFanout } from "./streams/fanout.ts"

/**
 * What was asked for was not done, and why. `code` is that of the HTTP API's problem documents, such as `no-market-data`; the message
 * is a sentence for people. After `retry_after` whole seconds, where that is given, it may be tried again.
 */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  code: Schema.String,
  detail: Schema.String,
  /** The field of what was asked that is meant. */
  field: Schema.optionalKey(Schema.String),
  retry_after: Schema.optionalKey(Schema.Int)
}) {
  override get message() {
    return this.detail
  }
}

export interface ProgramOptions {
  /** Whether what is asked is stored and answered. */
  readonly ready: Effect.Effect<void, NotReady>
  /** How the gateway is, and how many clients it has, where there is one. */
  readonly gateway: ComponentHealth
  readonly clients: () => number
  /** How long an analysis may take that says nothing of it, in milliseconds. */
  readonly analysisMillis: number
}

/** What a program may ask for. What it gives is checked as what a client sends is; nothing is counted. */
export interface ProgramOperations {
  readonly analyze: (
    request: unknown,
    tell?: (progress: AnalysisProgress) => void
  ) => Effect.Effect<AnalysisResult, OperationFailed>
  readonly openConsensus: (body: unknown) => Effect.Effect<ConsensusOpened, OperationFailed>
  readonly castVote: (consensusId: unknown, body: unknown) => Effect.Effect<void, OperationFailed>
  readonly cancelConsensus: (consensusId: unknown, body: unknown) => Effect.Effect<void, OperationFailed>
  readonly consensusStatus: (consensusId: unknown) => Effect.Effect<RoundStatus, OperationFailed>
  readonly systemStatus: Effect.Effect<SystemStatus, OperationFailed>
}

/** The operations until the scope closes. */
export const programOperations = (
  options: ProgramOptions
): Effect.Effect<ProgramOperations, never, Actors | EventLog | Scope.Scope> =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const clock = yield* Clock.Clock
    const uptimeSeconds = () => Math.round((clock.currentTimeMillisUnsafe() - startedAt) / 1000)
    const { ready, gateway, clients } = options
    const fanout = yield* makeFanout()
    const system = yield* systemStatusOf({ events: yield* EventLog, ready, clients, gateway, uptimeSeconds })
    const health = () => ({
      ...{ version: "", uptime_seconds: uptimeSeconds(), connections: clients() },
      ...fanout.status()
    })
    const state = GatewayState.of({
      events: fanout,
      system,
      ready,
      health,
      tasks: new Tasks(undefined, yield* Effect.scope)
    })
    const services = Context.make(Actors, yield* Actors).pipe(Context.add(GatewayState, state))
    const caller = callerOf(options.analysisMillis, () => performance.now())
    const run = <A>(asked: Effect.Effect<A, OperationFailure, Actors | GatewayState>) =>
      asked.pipe(Effect.mapError(failed), Effect.provideContext(services))
    const about = <A>(id: unknown, ask: (id: typeof ConsensusId.Type) => Effect.Effect<A, OperationFailed>) =>
      Effect.flatMap(readGiven(ConsensusId, id), ask)
    return {
      analyze: (request, tell) =>
        Effect.flatMap(readGiven(AnalyzeRequest, request), (payload) =>
          run(runAnalysis({ payload, caller, correlationId: undefined, tell }).result)
        ),
      openConsensus: (body) =>
        Effect.flatMap(readGiven(ConsensusBody, body), (wanted) => run(openConsensus(wanted, caller))),
      castVote: (id, body) =>
        about(id, (round) => Effect.flatMap(readGiven(VoteBody, body), (vote) => run(castVote(round, vote, caller)))),
      cancelConsensus: (id, body) =>
        about(id, (round) =>
          Effect.flatMap(readGiven(CancelBody, body), (cancel) => run(cancelConsensus(round, cancel, caller)))
        ),
      consensusStatus: (id) => about(id, (round) => run(consensusStatus(round, caller))),
      systemStatus: Effect.suspend(() => run(system(caller)))
    }
  })

/** Who is in the process may do everything. */
const callerOf = (analysisMillis: number, now: () => number): Caller => ({
  subject: "program",
  grant: undefined,
  address: "127.0.0.1",
  key: undefined,
  keys: new Keys(now),
  quota: { name: () => Effect.void, open: () => Effect.void },
  budget: { begin: () => Effect.void, store: () => Effect.void },
  analysisMillis
})

/** What is given, checked by a schema as strictly as the body of a request. */
export const readGiven = <A>(schema: Schema.Decoder<A>, given: unknown): Effect.Effect<A, OperationFailed> => {
  const decoded = Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })(given)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : Effect.fail(operationFailed(invalidRequest(faultOf(decoded.failure))))
}

const operationFailed = ({ code, detail, field, retrySeconds }: Failure): OperationFailed =>
  new OperationFailed({
    code,
    detail,
    ...(field === undefined ? {} : { field }),
    ...(retrySeconds === undefined ? {} : { retry_after: retrySeconds })
  })

/** A program may know what a client may not: what failed inside says so itself. */
const failed = (failure: OperationFailure): OperationFailed => {
  const known = failureOf(failure)
  const own = known.code === "internal" && failure instanceof Error ? failure.message : known.detail
  return operationFailed({ ...known, detail: own })
}
