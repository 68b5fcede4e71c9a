import { Clock, Context, Duration, Effect, type Fiber, Logger, Metric, Random, Scheduler } from "effect"
import type { Prng } from "./prng.ts"
import type { Timeline } from "./timeline.ts"

/** How long a turn of a process's event loop takes at most, in milliseconds. */
const TURN_MILLIS_MAX = 0.2
const OPERATIONS_MAX = 2_048

export interface ProcessOptions {
  readonly name: string
  readonly timeline: Timeline
  readonly random: Prng
  /** How far its clock is ahead of the world's, in milliseconds. */
  readonly skewMillis: number
  /** Takes what it logs; nothing is logged unless given. */
  readonly log?: (line: string) => void
}

interface Task {
  readonly run: () => void
  readonly priority: number
}

/**
 * A process as an operating system knows it: it runs in turns, can be stopped between two of them and go on later, or be
 * killed. Everything that its fibers do, they do in its turns: it is their scheduler, their clock and their chance.
 *
 * Invariants:
 * 1. While it is frozen or dead no code of it runs. What reached it meanwhile waits, in order, until it thaws.
 * 2. What is killed runs no finalizer.
 */
export class Process {
  readonly name: string
  readonly context: Context.Context<never>
  readonly #timeline: Timeline
  readonly #random: Prng
  #skewMillis: number
  #state: "running" | "frozen" | "dead" = "running"
  #frozenUntil = 0
  #ready: Array<Task> = []
  #armed = false

  constructor(options: ProcessOptions) {
    this.name = options.name
    this.#timeline = options.timeline
    this.#random = options.random
    this.#skewMillis = options.skewMillis
    this.context = this.#makeContext(options)
  }

  get alive(): boolean {
    return this.#state !== "dead"
  }

  get frozen(): boolean {
    return this.#state === "frozen"
  }

  /** Runs something in the next turn: what comes from outside. */
  post(run: () => void): void {
    this.#add({ run, priority: 0 })
  }

  /** Starts a fiber, as a program's main one. `ended` is called when it ends by itself. */
  start<A, E>(main: Effect.Effect<A, E>, ended: (fiber: Fiber.Fiber<A, E>) => void): Fiber.Fiber<A, E> {
    const fiber = Effect.runForkWith(this.context)(Effect.andThen(Effect.yieldNow, main))
    fiber.addObserver(() => ended(fiber))
    return fiber
  }

  /** Sets its clock forward, or back: what sleeps sleeps as long as before. */
  jump(millis: number): void {
    this.#skewMillis += millis
  }

  /** Stands still, at least until a time. */
  freezeUntil(time: number): void {
    if (this.#state === "dead") return
    this.#state = "frozen"
    this.#frozenUntil = Math.max(this.#frozenUntil, time)
  }

  /** Goes on if it stands still and need not any longer. */
  thawIfDue(): boolean {
    if (this.#state !== "frozen" || this.#timeline.now() < this.#frozenUntil) return false
    this.thaw()
    return true
  }

  thaw(): void {
    if (this.#state !== "frozen") return
    this.#state = "running"
    this.#frozenUntil = 0
    this.#arm()
  }

  kill(): void {
    this.#state = "dead"
    this.#ready = []
  }

  #add(task: Task): void {
    if (this.#state === "dead") return
    this.#ready.push(task)
    this.#arm()
  }

  #arm(): void {
    if (this.#armed || this.#state !== "running" || this.#ready.length === 0) return
    this.#armed = true
    this.#timeline.after(this.#random.next() * TURN_MILLIS_MAX, () => {
      this.#armed = false
      if (this.#state === "running") this.#turn()
    })
  }

  /** As the event loop: what becomes ready meanwhile has to wait for the next one. */
  #turn(): void {
    const tasks = this.#ready.sort((one, other) => one.priority - other.priority)
    this.#ready = []
    for (const { run } of tasks) if (this.#state === "running") run()
    this.#arm()
  }

  #makeContext({ log }: ProcessOptions): Context.Context<never> {
    const loggers = log === undefined ? [] : [logger(log)]
    return Context.make(Scheduler.Scheduler, this.#makeScheduler()).pipe(
      Context.add(Clock.Clock, this.#makeClock()),
      Context.add(Random.Random, {
        nextDoubleUnsafe: () => this.#random.next(),
        nextIntUnsafe: () => this.#random.below(Number.MAX_SAFE_INTEGER)
      }),
      Context.add(Metric.MetricRegistry, new Map()),
      Context.add(Logger.CurrentLoggers, new Set(loggers))
    )
  }

  #makeScheduler(): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (run, priority) => this.#add({ run, priority }),
      flush: () => undefined
    }
    return {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= OPERATIONS_MAX,
      makeDispatcher: () => dispatcher
    }
  }

  #makeClock(): Clock.Clock {
    const { now } = this.#timeline
    const millis = () => Math.floor(now() + this.#skewMillis)
    const nanos = () => BigInt(Math.floor((now() + this.#skewMillis) * 1_000)) * 1_000n
    const monotonic = () => BigInt(Math.floor(now() * 1_000)) * 1_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) => this.#sleep(Duration.toMillis(duration))
    }
  }

  #sleep(millis: number): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      let waits = true
      this.#timeline.after(millis, () => waits && this.post(() => waits && resume(Effect.void)))
      return Effect.sync(() => {
        waits = false
      })
    })
  }
}

const logger = (log: (line: string) => void) =>
  Logger.make<unknown, void>(({ logLevel, message }) => {
    const parts = Array.isArray(message) ? message : [message]
    const said = parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part)))
    log(`${logLevel.toLowerCase()}: ${said.join(" ")}`)
  })
