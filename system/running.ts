// A running system as promises: the same as `service.ts`, for programs that do not use Effect.
import { Effect, Exit, type ManagedRuntime, Schema, Scope } from "effect"
import type { AgentTestReport } from "../evaluation/index.ts"
import type { AnalysisProgress } from "../gateway/index.ts"
import type {
  AnalysisResult,
  ConsensusOpened,
  ConsensusResult,
  SystemStatus,
  TaskProgress
} from "../protocols/index.ts"
import { RunningSimulation } from "./running-simulation.ts"
import { Subscription } from "./running-subscription.ts"
import type {
  AgentSystemService,
  AgentTestsWanted,
  AnalysisWanted,
  ConsensusWanted,
  SimulationWanted,
  VoteGiven
} from "./service.ts"
import type {
  CoordinationEvent,
  CoordinationFilter,
  DecisionEvent,
  DecisionFilter,
  EventSubscription,
  QueueOptions,
  SubscribeError,
  SystemEvent,
  ToolEvent,
  ToolFilter
} from "./subscription.ts"

/** The system was shut down: it does nothing any more. */
export class SystemClosed extends Schema.TaggedError<SystemClosed>()("SystemClosed", {}) {
  override get message() {
    return "the system was shut down"
  }
}

/** How something that takes a while is waited for. */
export interface Waiting {
  /** Stops waiting: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What is called for each event, one after the other: the next one waits until a promise that it returned is settled. */
export type EventCallback<E> = (event: E) => void | PromiseLike<void>

export interface CallbackOptions {
  /** Told what a callback threw, and of a subscription that ended by itself; without it the log is. */
  readonly onError?: (error: unknown) => void
}

/** Ends a subscription. No callback is begun once it is called; it resolves when all is let go of. */
export type Unsubscribe = () => Promise<void>

type AnyData = { readonly [name: string]: unknown }

/** A whole system that runs in this process. Its fields and results are named as on the wire. */
export class RunningSystem implements AsyncDisposable {
  readonly #service: AgentSystemService
  readonly #runtime: ManagedRuntime.ManagedRuntime<never, unknown>
  #closing: Promise<void> | undefined

  /** `runtime` ends the system where it is disposed of. */
  constructor(service: AgentSystemService, runtime: ManagedRuntime.ManagedRuntime<never, unknown>) {
    this.#service = service
    this.#runtime = runtime
  }

  /** The NATS server's address, with its password where it is the system's own. */
  get nats(): string {
    return this.#service.nats
  }

  /** Where the gateway listens, `http://127.0.0.1:8080`; nothing where there is none. */
  get gateway(): string | undefined {
    return this.#service.gateway
  }

  /** One analysis: the panel votes, and one decision comes back. `onProgress` hears how far it has come. */
  runRealTimeAnalysis(
    request: AnalysisWanted,
    { onProgress, signal }: Waiting & { readonly onProgress?: (progress: AnalysisProgress) => void } = {}
  ): Promise<AnalysisResult> {
    return this.#run(this.#service.runRealTimeAnalysis(request, onProgress), signal)
  }

  /** Opens a consensus round, and answers at once: its id, and a secret for each voter outside. */
  requestConsensus(request: ConsensusWanted): Promise<ConsensusOpened> {
    return this.#run(this.#service.requestConsensus(request))
  }

  /** Votes from outside, with the secret that came with the round. */
  castVote(consensusId: string, vote: VoteGiven): Promise<void> {
    return this.#run(this.#service.castVote(consensusId, vote))
  }

  /** The result of a round; null while it is open, for which it waits up to `waitMs` milliseconds, 0 unless given. */
  getConsensusResult(
    consensusId: string,
    { signal, ...options }: Waiting & { readonly waitMs?: number } = {}
  ): Promise<ConsensusResult | null> {
    return this.#run(this.#service.getConsensusResult(consensusId, options), signal)
  }

  /** Begins to feed a simulated market. One at a time of a symbol; it ends with the system at the latest. */
  async simulateMarketStream(options: SimulationWanted = {}): Promise<RunningSimulation> {
    const { value, close } = await this.#opened(this.#service.simulateMarketStream(options))
    return new RunningSimulation(value, close, (effect) => this.#run(effect))
  }

  /** Runs the agent tests, on this process's processor. They touch nothing of the system. */
  runAgentTests(
    options: AgentTestsWanted = {},
    { onProgress, signal }: Waiting & { readonly onProgress?: (progress: TaskProgress) => void } = {}
  ): Promise<AgentTestReport> {
    return this.#run(this.#service.runAgentTests(options, onProgress), signal)
  }

  /** How the parts are, and what was done, as the actors count it; found out anew every two seconds at most. */
  getSystemStatus(): Promise<SystemStatus> {
    return this.#run(this.#service.getSystemStatus)
  }

  /** What agents decide, from now on. */
  decisions(filter: DecisionFilter = {}): Promise<Subscription<DecisionEvent>> {
    return this.#subscribe(this.#service.decisions(filter))
  }

  /** What tools are used, and what they gave. */
  tools(filter: ToolFilter = {}): Promise<Subscription<ToolEvent>> {
    return this.#subscribe(this.#service.tools(filter))
  }

  /** What agents say to one another: requests, votes, results. */
  coordination(filter: CoordinationFilter = {}): Promise<Subscription<CoordinationEvent>> {
    return this.#subscribe(this.#service.coordination(filter))
  }

  /** Any events, by a pattern of subjects such as `market.*`. */
  events(pattern: string, options: QueueOptions = {}): Promise<Subscription<SystemEvent<AnyData>>> {
    return this.#subscribe(this.#service.events(pattern, options))
  }

  /** `decisions` by a callback. */
  onDecision(callback: EventCallback<DecisionEvent>, given: DecisionFilter & CallbackOptions = {}) {
    return this.#call(this.decisions(given), callback, given)
  }

  /** `tools` by a callback. */
  onTool(callback: EventCallback<ToolEvent>, given: ToolFilter & CallbackOptions = {}) {
    return this.#call(this.tools(given), callback, given)
  }

  /** `coordination` by a callback. */
  onCoordination(callback: EventCallback<CoordinationEvent>, given: CoordinationFilter & CallbackOptions = {}) {
    return this.#call(this.coordination(given), callback, given)
  }

  /** `events` by a callback. */
  onEvent(pattern: string, callback: EventCallback<SystemEvent<AnyData>>, given: QueueOptions & CallbackOptions = {}) {
    return this.#call(this.events(pattern, given), callback, given)
  }

  /**
   * Ends everything: subscriptions and simulations first, then the gateway, the actors, and a NATS server of its own. What was decided is
   * stored. It takes 10 seconds at most for the parts; called again it waits for the same end.
   */
  shutdown(): Promise<void> {
    this.#closing ??= this.#runtime.dispose()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  async #run<A, E>(effect: Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> {
    if (this.#closing !== undefined) throw new SystemClosed()
    try {
      return await this.#runtime.runPromise(effect, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (this.#closing !== undefined) throw new SystemClosed()
      throw error
    }
  }

  /** Opens something that lives until it is closed, or with the system. */
  #opened<A, E>(
    open: Effect.Effect<A, E, Scope.Scope>
  ): Promise<{ readonly value: A; readonly close: () => Promise<void> }> {
    return this.#run(
      Effect.gen({ self: this }, function* () {
        const scope = yield* Scope.fork(this.#runtime.scope)
        const value = yield* Effect.onError(Scope.provide(open, scope), () => Scope.close(scope, Exit.void))
        return { value, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
      })
    )
  }

  async #subscribe<A>(
    open: Effect.Effect<EventSubscription<A>, SubscribeError, Scope.Scope>
  ): Promise<Subscription<SystemEvent<A>>> {
    const { value, close } = await this.#opened(open)
    return new Subscription<SystemEvent<A>>(value.stream, value.dropped, close)
  }

  async #call<E>(
    subscribing: Promise<Subscription<E>>,
    callback: EventCallback<E>,
    { onError }: CallbackOptions
  ): Promise<Unsubscribe> {
    const subscription = await subscribing
    const tell = (error: unknown) => {
      if (onError !== undefined) onError(error)
      else this.#runtime.runFork(Effect.logError("a callback of a subscription failed", error))
    }
    void subscription.forEach(callback, tell)
    return () => subscription.unsubscribe()
  }
}
