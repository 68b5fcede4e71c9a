// A running system as promises: the same as `service.ts`, for programs that do not use Effect.
import { Effect, Exit, type ManagedRuntime, Scope } from "effect"
import type { AgentTestReport } from "../evaluation/index.ts"
import type { AnalysisProgress } from "../gateway/index.ts"
import type {
  AnalysisResult,
  ConsensusOpened,
  ConsensusResult,
  SystemStatus,
  TaskProgress
} from "../protocols/index.ts"
import { functionOnly } from "./callbacks.ts"
import { printable, SystemBroken, SystemClosed } from "./running-errors.ts"
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
import { stopOnSignal } from "./signals.ts"
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

/** How something that takes a while is waited for. */
export interface Waiting {
  /** Stops waiting: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What is called for each event, one after the other: the next one waits until a promise that it returned is settled. */
export type EventCallback<E> = (event: E) => void | PromiseLike<void>

export interface CallbackOptions {
  /** Told what a callback threw, and of a subscription that ended by itself; without it the log is. What it throws is logged. */
  readonly onError?: (error: unknown) => unknown
}

/** Ends a subscription. No callback is begun once it is called; it resolves when all is let go of. */
export interface Unsubscribe {
  (): Promise<void>
  /** How many events were forgotten because the queue was full. */
  readonly dropped: number
}

type AnyData = { readonly [name: string]: unknown }

/** A whole system that runs in this process. Its fields and results are named as on the wire. */
export class RunningSystem implements AsyncDisposable {
  readonly #service: AgentSystemService
  readonly #runtime: ManagedRuntime.ManagedRuntime<never, unknown>
  readonly #forget: () => void
  #closing: Promise<void> | undefined
  #settleBroken: (reason: SystemBroken | undefined) => void = () => undefined

  /**
   * Resolves once the system cannot go on, with the reason: its server has ended, or its node cannot hold what it holds. It resolves with
   * nothing where the system is shut down before. It is never rejected.
   */
  readonly broken: Promise<SystemBroken | undefined> = new Promise((resolve) => {
    this.#settleBroken = resolve
  })

  /** `runtime` ends the system where it is disposed of. */
  constructor(service: AgentSystemService, runtime: ManagedRuntime.ManagedRuntime<never, unknown>) {
    this.#service = service
    this.#runtime = runtime
    this.#forget = stopOnSignal(this)
    const told = Effect.catch(this.#breaking, (error) => Effect.sync(() => this.#settleBroken(error)))
    this.#runtime.runFork(Effect.forkIn(told, runtime.scope))
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
    return new RunningSimulation(value, close, (effect) => this.#run(Effect.raceFirst(effect, this.#breaking)))
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
    return this.#call(() => this.decisions(given), callback, given)
  }

  /** `tools` by a callback. */
  onTool(callback: EventCallback<ToolEvent>, given: ToolFilter & CallbackOptions = {}) {
    return this.#call(() => this.tools(given), callback, given)
  }

  /** `coordination` by a callback. */
  onCoordination(callback: EventCallback<CoordinationEvent>, given: CoordinationFilter & CallbackOptions = {}) {
    return this.#call(() => this.coordination(given), callback, given)
  }

  /** `events` by a callback. */
  onEvent(pattern: string, callback: EventCallback<SystemEvent<AnyData>>, given: QueueOptions & CallbackOptions = {}) {
    return this.#call(() => this.events(pattern, given), callback, given)
  }

  /**
   * Ends everything: subscriptions and simulations first, then the gateway, the actors, and a NATS server of its own. What was decided is
   * stored. It takes 10 seconds at most for the parts; called again it waits for the same end.
   */
  shutdown(): Promise<void> {
    this.#settleBroken(undefined)
    this.#closing ??= this.#runtime.dispose().finally(this.#forget)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  async #run<A, E>(effect: Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> {
    if (this.#closing !== undefined) throw printable(new SystemClosed())
    try {
      return await this.#runtime.runPromise(effect, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw printable(this.#closing === undefined ? error : new SystemClosed())
    }
  }

  /** Fails once the system cannot go on. */
  get #breaking(): Effect.Effect<never, SystemBroken> {
    return Effect.mapError(this.#service.broken, ({ message }) => printable(new SystemBroken({ detail: message })))
  }

  /** Opens something that lives until it is closed, or with the system. */
  #opened<A, E>(open: Effect.Effect<A, E, Scope.Scope>) {
    return this.#run(
      Effect.gen({ self: this }, function* () {
        const scope = yield* Scope.fork(this.#runtime.scope)
        const value = yield* Effect.onError(Scope.provide(open, scope), () => Scope.close(scope, Exit.void))
        return { value, scope, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
      })
    )
  }

  async #subscribe<A>(
    open: Effect.Effect<EventSubscription<A>, SubscribeError, Scope.Scope>
  ): Promise<Subscription<SystemEvent<A>>> {
    const { value, close, scope } = await this.#opened(open)
    const subscription = new Subscription<SystemEvent<A>>(value.stream, value.dropped, close)
    const end = (error: Error) => Effect.sync(() => void subscription.end(error))
    this.#runtime.runFork(Effect.forkIn(Effect.catch(this.#breaking, end), scope))
    return subscription
  }

  async #call<E>(
    subscribe: () => Promise<Subscription<E>>,
    callback: EventCallback<E>,
    { onError }: CallbackOptions
  ): Promise<Unsubscribe> {
    await this.#run(functionOnly("callback", callback))
    if (onError !== undefined) await this.#run(functionOnly("onError", onError))
    const subscription = await subscribe()
    const log = (what: string, error: unknown) => void this.#runtime.runFork(Effect.logError(what, error))
    const tell = async (error: unknown) => {
      if (onError === undefined) return log("a callback of a subscription failed", error)
      try {
        await onError(error)
      } catch (thrown) {
        log("onError of a subscription failed", thrown)
      }
    }
    void subscription.forEach(callback, tell)
    const unsubscribe = Object.assign(() => subscription.unsubscribe(), { dropped: 0 })
    return Object.defineProperty(unsubscribe, "dropped", { get: () => subscription.dropped })
  }
}
