import { Cause, Effect, Exit, type Fiber, Schedule, Semaphore } from "effect"
import { formatAddress } from "../address.ts"
import type { OpenActivity } from "../journal.ts"
import type { Outbox } from "../outbox.ts"
import type { Activation } from "./activation.ts"

/** How many activities a node runs at once; the others wait their turn. */
const RUNNING_MAX = 256
const DETAIL_CHARACTERS_MAX = 1_000
const DELIVER_AGAIN = Schedule.spaced("500 millis")

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
  readonly #fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly #permits = Semaphore.makeUnsafe(RUNNING_MAX)
  readonly #running = new Map<string, { readonly generation: number; readonly fiber: Fiber.Fiber<void> }>()

  constructor(options: {
    readonly outbox: Outbox
    readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  }) {
    this.#outbox = options.outbox
    this.#fork = options.fork
  }

  /** Starts an activity that is open in the actor's journal. One that runs already is left alone. */
  start(activation: Activation, key: string): void {
    const open = activation.core.activities.get(key)
    if (open === undefined) return
    const name = nameOf(activation, key)
    if (this.#running.get(name)?.generation === open.generation) return
    this.stop(activation, key)
    const { generation } = open
    const run = this.#run(activation, key, open).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          if (this.#running.get(name)?.generation === generation) this.#running.delete(name)
        })
      )
    )
    this.#running.set(name, { generation, fiber: this.#fork(run) })
  }

  /** Interrupts an activity; its outcome, if it comes, is ignored. */
  stop(activation: Activation, key: string): void {
    const name = nameOf(activation, key)
    const running = this.#running.get(name)
    if (running === undefined) return
    this.#running.delete(name)
    running.fiber.interruptUnsafe()
  }

  /** Interrupts everything an activation runs. */
  stopAll(activation: Activation): void {
    for (const key of activation.core.activities.keys()) this.stop(activation, key)
  }

  #run(activation: Activation, key: string, open: OpenActivity): Effect.Effect<void> {
    return this.#permits
      .withPermits(1)(attempt(activation, key, open))
      .pipe(
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

  #deliver(activation: Activation, key: string, open: OpenActivity, result: Result) {
    const { activity, generation, correlation } = open
    const payload = JSON.stringify({ kind: "outcome", activity, key, generation, result, correlation })
    return this.#outbox
      .send({ kind: "mail", to: activation.address, payload })
      .pipe(Effect.retry({ while: (error) => error._tag !== "TooLarge", schedule: DELIVER_AGAIN }))
  }
}

// An id holds no space, so no two activities share a name.
const nameOf = (activation: Activation, key: string): string => `${formatAddress(activation.address)} ${key}`

const attempt = (activation: Activation, key: string, open: OpenActivity): Effect.Effect<Result> => {
  const { compiled, address } = activation
  const spec = compiled.definition.activities?.[open.activity]
  if (spec === undefined) {
    return Effect.succeed({ _tag: "Failed", reason: "failure", detail: `no activity ${open.activity}` })
  }
  let tries = 0
  const once = Effect.suspend(() => {
    const context = { self: address, key, attempt: ++tries, correlationId: open.correlation }
    return spec.run(compiled.decodeInput(open.activity, open.input), context)
  }).pipe(
    Effect.map((output) => compiled.encodeOutput(open.activity, output)),
    Effect.timeoutOrElse({ duration: spec.timeout, orElse: () => Effect.fail(TIMED_OUT) })
  )
  const tried = spec.retry === undefined ? once : Effect.retry(once, spec.retry)
  return tried.pipe(
    Effect.exit,
    // An interruption that gets here came from the inside: one of ours ends the fiber before.
    Effect.map((exit) =>
      Exit.isSuccess(exit) ? { _tag: "Succeeded" as const, value: exit.value } : failureOf(exit.cause)
    )
  )
}

const TIMED_OUT = Symbol("timed out")

const failureOf = (cause: Cause.Cause<unknown>): Result => {
  const error = Cause.squash(cause)
  if (error === TIMED_OUT) return { _tag: "Failed", reason: "timeout", detail: "it took too long" }
  const detail = (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_CHARACTERS_MAX)
  return { _tag: "Failed", reason: "failure", detail }
}
