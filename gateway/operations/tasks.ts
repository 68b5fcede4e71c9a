// What takes longer than a request is waited for: it is begun, looked at under an id, and can be cancelled.
import { createHash } from "node:crypto"
import { Clock, Effect, Exit, Fiber, Schema, type Scope } from "effect"
import {
  type AgentTestsBody,
  type MarketSimulationBody,
  type TaskProgress,
  type TaskStatus,
  toTimestamp
} from "../../protocols/index.ts"
import { KeyReused } from "../../runtime/index.ts"
import { type Caller, nameFor } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

/** A client has one task at a time, and all clients together as many as `limit`. */
export class TooManyTasks extends Schema.TaggedError<TooManyTasks>()("TooManyTasks", { rule: Schema.String }) {
  override get message() {
    return `${this.rule}: wait until it has ended, or cancel it`
  }
}

/** No task of the client has this id. */
export class UnknownTask extends Schema.TaggedError<UnknownTask>()("UnknownTask", { task_id: Schema.String }) {}

/** A market of the symbol is being simulated already. */
export class SimulationRunning extends Schema.TaggedError<SimulationRunning>()("SimulationRunning", {
  symbol: Schema.String
}) {
  override get message() {
    return `a market of ${this.symbol} is being simulated already`
  }
}

/** The gateway was started without what runs such tasks. */
export class NotOffered extends Schema.TaggedError<NotOffered>()("NotOffered", {}) {}

export type TaskFailure = TooManyTasks | UnknownTask | SimulationRunning | NotOffered | KeyReused | TooManySymbols

/** Told how far a task is, and what it has come to so far. */
export type TellTask = (progress: TaskProgress, result?: unknown) => void

/** What runs tasks; each gives its result as plain JSON. */
export interface TaskRunners {
  readonly agentTests: (body: AgentTestsBody, tell: TellTask) => Effect.Effect<unknown, Error>
  readonly marketSimulation: (body: MarketSimulationBody, tell: TellTask) => Effect.Effect<unknown, Error>
  /** Of which symbols a market would be simulated. */
  readonly symbolsOf: (body: MarketSimulationBody) => ReadonlyArray<string>
  /** Whether a market of the symbol is being simulated already, be it as a task or beside them. */
  readonly isSimulated: (symbol: string) => boolean
}

type Kind = TaskStatus["kind"]

interface Task {
  readonly id: string
  readonly subject: string
  readonly digest: string
  readonly symbols: ReadonlyArray<string>
  readonly fiber: Fiber.Fiber<void> | undefined
  readonly status: TaskStatus
}

/** What is begun. */
interface Begun<B> {
  readonly kind: Kind
  readonly body: B
  readonly symbols: ReadonlyArray<string>
  readonly run: (body: B, tell: TellTask) => Effect.Effect<unknown, Error>
}

/** All clients together; and of the agent tests, which take a processor, one. */
const RUNNING_MAX = 4
/** Tasks that are remembered; of those that have ended the oldest is forgotten first. */
const KEPT_MAX = 256
/** A simulated market need not end by itself. */
const LASTS = "1 hour"

/** The tasks of a gateway, in its memory, until its scope closes. */
export class Tasks {
  readonly runners: TaskRunners | undefined
  readonly #scope: Scope.Scope
  readonly #tasks = new Map<string, Task>()

  constructor(runners: TaskRunners | undefined, scope: Scope.Scope) {
    this.runners = runners
    this.#scope = scope
  }

  /** Begins a task, or gives the one that was begun with the same key. */
  begin<B>(wanted: Begun<B>, caller: Caller): Effect.Effect<TaskStatus, TaskFailure> {
    return Effect.gen({ self: this }, function* () {
      const { kind, body, symbols } = wanted
      const id = nameFor(caller, "task")
      const digest = createHash("sha256")
        .update(JSON.stringify([kind, body]))
        .digest("hex")
      const before = this.#tasks.get(id)
      if (before?.digest === digest) return before.status
      if (before !== undefined) return yield* new KeyReused({ actor: id, message_type: kind })
      yield* this.#refuse(wanted, caller)
      yield* caller.quota.name(symbols)
      const started_at = toTimestamp(yield* Clock.currentTimeMillis)
      const progress = { done: 0, total: null }
      const status: TaskStatus = {
        ...{ task_id: id, kind, state: "running", progress },
        ...{ started_at, ended_at: null, result: null }
      }
      this.#tasks.set(id, { id, subject: caller.subject, digest, symbols, fiber: undefined, status })
      const fiber = yield* Effect.forkIn(this.#run(id, wanted), this.#scope, { startImmediately: true })
      this.#set(id, (task) => ({ ...task, fiber }))
      this.#forget()
      return status
    })
  }

  /** A task of the client; of anybody, for who may act on what others began. */
  look(id: string, caller: Caller): Effect.Effect<TaskStatus, UnknownTask> {
    return Effect.map(this.#of(id, caller), ({ status }) => status)
  }

  /** Cancels a task. One that has ended stays as it is. */
  cancel(id: string, caller: Caller): Effect.Effect<TaskStatus, UnknownTask> {
    return Effect.gen({ self: this }, function* () {
      const { fiber } = yield* this.#of(id, caller)
      if (fiber !== undefined) yield* Fiber.interrupt(fiber)
      return yield* this.look(id, caller)
    })
  }

  #of(id: string, caller: Caller): Effect.Effect<Task, UnknownTask> {
    return Effect.suspend(() => {
      const task = this.#tasks.get(id)
      const may = caller.grant === undefined || caller.grant.may("operate") || task?.subject === caller.subject
      return task === undefined || !may ? Effect.fail(new UnknownTask({ task_id: id })) : Effect.succeed(task)
    })
  }

  #refuse<B>({ kind, symbols }: Begun<B>, { subject }: Caller): Effect.Effect<void, TooManyTasks | SimulationRunning> {
    return Effect.suspend((): Effect.Effect<void, TooManyTasks | SimulationRunning> => {
      const running = [...this.#tasks.values()].filter(({ status }) => status.state === "running")
      const rule = running.some((task) => task.subject === subject)
        ? "a client has one task at a time"
        : running.length >= RUNNING_MAX
          ? `all clients together have at most ${RUNNING_MAX} tasks`
          : kind === "agent_tests" && running.some(({ status }) => status.kind === kind)
            ? "agents are tested by one client at a time"
            : undefined
      if (rule !== undefined) return Effect.fail(new TooManyTasks({ rule }))
      const { isSimulated = () => false } = this.runners ?? {}
      const symbol = symbols.find((each) => isSimulated(each) || running.some((task) => task.symbols.includes(each)))
      return symbol === undefined ? Effect.void : Effect.fail(new SimulationRunning({ symbol }))
    })
  }

  #run<B>(id: string, { body, run }: Begun<B>): Effect.Effect<void> {
    const tell: TellTask = (progress, result = null) => this.#update(id, { progress, result })
    const late = new TooManyTasks({ rule: `a task lasts ${LASTS} at most` })
    return Effect.suspend(() => run(body, tell)).pipe(
      Effect.timeoutOrElse({ duration: LASTS, orElse: () => Effect.fail(late) }),
      Effect.onExit((exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const ended_at = toTimestamp(now)
          if (Exit.isSuccess(exit)) return this.#update(id, { state: "done", ended_at, result: exit.value })
          if (Exit.hasInterrupts(exit)) return this.#update(id, { state: "cancelled", ended_at })
          const reason = Exit.findErrorOption(exit)
          const detail = reason._tag === "Some" ? reason.value.message : "it failed inside; the log says why"
          this.#update(id, { state: "failed", ended_at, detail })
        })
      ),
      Effect.catchCause((cause) => Effect.logWarning("a task failed", cause)),
      Effect.asVoid
    )
  }

  #update(id: string, change: Partial<TaskStatus>): void {
    this.#set(id, (task) => ({ ...task, status: { ...task.status, ...change } }))
  }

  #set(id: string, change: (task: Task) => Task): void {
    const task = this.#tasks.get(id)
    if (task !== undefined) this.#tasks.set(id, change(task))
  }

  #forget(): void {
    for (const { id, status } of this.#tasks.values()) {
      if (this.#tasks.size <= KEPT_MAX) return
      if (status.state !== "running") this.#tasks.delete(id)
    }
  }
}
