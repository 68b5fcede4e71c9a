import { Cause, Effect, Exit, type Fiber, Schedule, Semaphore } from "effect"
import type { ActivityContext } from "../../actor.ts"
import { type Address, formatAddress, subjectFault } from "../../address.ts"
import { encoder } from "../../codec.ts"
import type { OpenActivity } from "../../journal.ts"
import type { Outbox } from "../../outbox.ts"
import type { EventSpec } from "../../protocol.ts"
import { type Send, send } from "../../step.ts"
import { parentOf } from "../../trace.ts"
import type { Meter } from "../signals/meter.ts"
import type { ActorState } from "../step/actor-state.ts"
import type { Compiled } from "../step/compiled.ts"
import { mailOf } from "../step/step-parts.ts"

const DETAIL_CHARACTERS_MAX = 1_000
const DELIVER_AGAIN = Schedule.spaced("500 millis")

/** Whose activities run. */
export interface ActivityOwner {
  readonly address: Address
  readonly compiled: Compiled
  readonly core: Pick<ActorState, "activities">
}

interface RunningActivity {
  readonly generation: number
  readonly fiber: Fiber.Fiber<void>
}

type Result =
  | { readonly _tag: "Succeeded"; readonly value: unknown }
  | { readonly _tag: "Failed"; readonly reason: "timeout" | "failure"; readonly detail: string }

/**
 * Runs the I/O of a node's actors, after the commits that asked for it.
 *
 * The outcome goes into the actor's mailbox and so is durable before the actor takes it. What runs when an activation is
 * given up is interrupted; the next owner starts it again, because it is still open in the journal.
 */
export class Activities {
  readonly #outbox: Outbox
  readonly #meter: Meter
  readonly #nanos: () => bigint
  readonly #fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #permits: Semaphore.Semaphore
  /** Of activities that have a limit of their own, by type and name. */
  readonly #named = new Map<string, Semaphore.Semaphore>()
  /** By activation and key, so that nothing goes on for one that is given up, whatever its core says by then. */
  readonly #running = new Map<ActivityOwner, Map<string, RunningActivity>>()
  #size = 0

  constructor(options: {
    readonly outbox: Outbox
    readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
    /** How many run at once; the others wait their turn. */
    readonly max: number
    readonly meter: Meter
    /** Of a clock that only goes forward. */
    readonly nanos: () => bigint
  }) {
    this.#meter = options.meter
    this.#nanos = options.nanos
    this.#permits = Semaphore.makeUnsafe(options.max)
    this.#outbox = options.outbox
    this.#fork = options.fork
  }

  /** Starts an activity that is open in the actor's journal. One that runs already is left alone. */
  start(activation: ActivityOwner, key: string): void {
    const open = activation.core.activities.get(key)
    if (open === undefined) return
    const { generation } = open
    if (this.#running.get(activation)?.get(key)?.generation === generation) return
    this.stop(activation, key)
    const run = this.#run(activation, key, open).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          if (this.#running.get(activation)?.get(key)?.generation === generation) this.#remove(activation, key)
        })
      )
    )
    const all = this.#running.get(activation) ?? new Map<string, RunningActivity>()
    this.#running.set(activation, all.set(key, { generation, fiber: this.#fork(run) }))
    this.#size++
  }

  /** Interrupts an activity; its outcome, if it comes, is ignored. */
  stop(activation: ActivityOwner, key: string): void {
    const running = this.#running.get(activation)?.get(key)
    if (running === undefined) return
    this.#remove(activation, key)
    running.fiber.interruptUnsafe()
  }

  /** How many run or wait for their turn. */
  get size(): number {
    return this.#size
  }

  /** Interrupts everything an activation runs. */
  forget(activation: ActivityOwner): void {
    for (const key of [...(this.#running.get(activation)?.keys() ?? [])]) this.stop(activation, key)
  }

  #remove(activation: ActivityOwner, key: string): void {
    const all = this.#running.get(activation)
    if (all?.delete(key) !== true) return
    this.#size--
    if (all.size === 0) this.#running.delete(activation)
  }

  #run(activation: ActivityOwner, key: string, open: OpenActivity): Effect.Effect<void> {
    return this.#attempted(activation, key, open).pipe(
      Effect.flatMap((result) =>
        this.#deliver(activation, key, open, result).pipe(
          Effect.catchTag("TooLarge", (error) =>
            this.#deliver(activation, key, open, { _tag: "Failed", reason: "failure", detail: error.message })
          )
        )
      ),
      Effect.catch((error) =>
        Effect.logError("activity outcome lost", {
          actor: formatAddress(activation.address),
          activity: open.activity,
          reason: error.message
        })
      )
    )
  }

  /** Each try takes a place, and none is taken between two tries. */
  #attempted(activation: ActivityOwner, key: string, open: OpenActivity): Effect.Effect<Result> {
    return Effect.suspend(() => {
      let nanos = 0n
      const timed: Around = (run) =>
        Effect.suspend(() => {
          const started = this.#nanos()
          return Effect.ensuring(
            run,
            Effect.sync(() => {
              nanos += this.#nanos() - started
            })
          )
        })
      const each: Around = (run) => this.#permitted(activation, open.activity, timed(run))
      return Effect.map(attempt(activation, key, open, this.#outbox, each), (result) => {
        if (result._tag === "Succeeded") this.#meter.counts.activitiesSucceeded++
        else this.#meter.counts.activitiesFailed++
        this.#meter.activityRan(Number(nanos) / 1e9)
        return result
      })
    })
  }

  /** First its turn among those of its name: who waits for that takes no place from others. */
  #permitted<A, E>(activation: ActivityOwner, name: string, run: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const { type, definition } = activation.compiled
    const limit = definition.activities?.[name]?.concurrency
    const permitted = this.#permits.withPermits(1)(run)
    if (limit === undefined) return permitted
    const full = `${type} ${name}`
    let named = this.#named.get(full)
    if (named === undefined) {
      named = Semaphore.makeUnsafe(Math.max(1, limit))
      this.#named.set(full, named)
    }
    return named.withPermits(1)(permitted)
  }

  #deliver(activation: ActivityOwner, key: string, open: OpenActivity, result: Result) {
    const { activity, generation, correlation, trace } = open
    const payload = JSON.stringify({ kind: "outcome", activity, key, generation, result, correlation, trace })
    return this.#outbox
      .send({ kind: "mail", to: activation.address, payload })
      .pipe(Effect.retry({ while: (error) => error._tag !== "TooLarge", schedule: DELIVER_AGAIN }))
  }
}

/** What is done round each try of an activity. */
type Around = <A, E>(run: Effect.Effect<A, E>) => Effect.Effect<A, E>

const attempt = (
  activation: ActivityOwner,
  key: string,
  open: OpenActivity,
  outbox: Outbox,
  each: Around
): Effect.Effect<Result> => {
  const { compiled, address } = activation
  const spec = compiled.definition.activities?.[open.activity]
  if (spec === undefined) {
    return Effect.succeed({ _tag: "Failed", reason: "failure", detail: `no activity ${open.activity}` })
  }
  let tries = 0
  const once = Effect.suspend(() => {
    const publish: ActivityContext["publish"] = (spec, subject, data) => publishing(outbox, spec, subject, data)
    const tell: ActivityContext["tell"] = (protocol, message, payload) =>
      telling(outbox, address, open, () => send(protocol, address.id, message, payload))
    const context = { self: address, key, attempt: ++tries, correlationId: open.correlation, publish, tell }
    return spec.run(compiled.decodeInput(open.activity, open.input), context)
  }).pipe(
    Effect.map((output) => compiled.encodeOutput(open.activity, output)),
    Effect.timeoutOrElse({ duration: spec.timeout, orElse: () => Effect.fail(TIMED_OUT) })
  )
  const tried = spec.retry === undefined ? each(once) : Effect.retry(each(once), spec.retry)
  return observed(tried, activation, open).pipe(
    Effect.exit,
    // An interruption that gets here came from the inside: one of ours ends the fiber before.
    Effect.map((exit) =>
      Exit.isSuccess(exit) ? { _tag: "Succeeded" as const, value: exit.value } : failureOf(exit.cause)
    )
  )
}

/** What the activity logs names its actor; what it does is part of the trace that led to it. */
const observed = <A>(run: Effect.Effect<A, unknown>, { address }: ActivityOwner, open: OpenActivity) => {
  const attributes = { actor: formatAddress(address), activity: open.activity, correlation: open.correlation }
  const logged = Effect.annotateLogs(run, attributes)
  const parent = parentOf(open.trace)
  if (parent === undefined) return logged
  return Effect.withSpan(logged, `${address.type}.${open.activity}`, { parent, attributes })
}

/** A subject or data that does not fit is the activity's own defect. */
const publishing = (outbox: Outbox, spec: EventSpec, subject: string, data: unknown) =>
  Effect.suspend(() => {
    const fault = subjectFault(subject)
    if (fault !== undefined) throw new Error(fault)
    const payload = JSON.stringify({ type: spec.type, data: encoder(spec.data)(data) })
    return outbox.send({ kind: "event", subject, payload })
  })

/** What does not fit the schema, or goes to another actor, is the activity's own defect. */
const telling = (outbox: Outbox, self: Address, open: OpenActivity, message: () => Send) =>
  Effect.suspend(() => {
    const sent = message()
    if (formatAddress(sent.to) !== formatAddress(self)) throw new Error(`only ${formatAddress(self)} can be told here`)
    return outbox.send(mailOf(self, { ...sent, to: self }, open))
  })

const TIMED_OUT = Symbol("timed out")

const failureOf = (cause: Cause.Cause<unknown>): Result => {
  const error = Cause.squash(cause)
  if (error === TIMED_OUT) return { _tag: "Failed", reason: "timeout", detail: "it took too long" }
  const detail = (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_CHARACTERS_MAX)
  return { _tag: "Failed", reason: "failure", detail }
}
