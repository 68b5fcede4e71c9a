import { Effect, Schedule } from "effect"
import { type Address, formatAddress } from "../address.ts"
import type { ActorLog, Mail } from "../log.ts"
import { Activation, type ActivationHost } from "./activation.ts"
import type { Compiled } from "./compiled.ts"
import { Progress } from "./progress.ts"

/** What a shard needs of the node around it. */
export interface ShardHost {
  readonly log: ActorLog["Service"]
  readonly compiledOf: (type: string) => Compiled
  /** What its activations are given; `done` is the shard's own. */
  readonly activationHost: Omit<ActivationHost, "done">
  /** The activation is given up: nothing of it is committed, run or kept any more. */
  readonly forget: (activation: Activation) => void
  /** Messages that are delivered and not done, over the whole node; at the limit the tail waits. */
  readonly delivered: () => Effect.Effect<void> | undefined
  readonly done: () => void
}

/** Done mail is removed this often: a small piece at a time does not hold the server up. */
const PURGE_EVERY = "1 second"
/** An actor that did nothing for one to two rounds is passivated. */
const IDLE_SWEEP = "10 seconds"
/** How long a shard that is given back waits for its actors to commit what they decided. */
const DRAIN_POLL = "5 millis"
const DRAIN_TIMEOUT = "5 seconds"

/**
 * One owned shard: reads its mail, gives it to its actors, removes what is done.
 *
 * Invariants:
 * 1. Each mail is given to its actor once, in order, while the shard is owned.
 * 2. Nothing is removed from the mailbox before its effects, and those of all mail before it, are in the journals.
 */
export class Shard {
  readonly number: number
  readonly #host: ShardHost
  readonly #activationHost: ActivationHost
  readonly #activations = new Map<string, Activation>()
  /** Activations that did nothing since the last sweep. */
  #quiet = new Set<Activation>()
  readonly #progress = new Progress()
  #purgedUpTo = 0

  constructor(number: number, host: ShardHost) {
    this.number = number
    this.#host = host
    this.#activationHost = { ...host.activationHost, done: (_, mail) => this.#done(mail) }
  }

  get residents(): number {
    return this.#activations.size
  }

  /** Serves until the scope closes. */
  readonly serve = Effect.gen({ self: this }, function* () {
    yield* Effect.forkScoped(this.#purge.pipe(Effect.repeat(Schedule.spaced(PURGE_EVERY))))
    yield* Effect.forkScoped(Effect.sync(() => this.#sweep()).pipe(Effect.repeat(Schedule.spaced(IDLE_SWEEP))))
    yield* this.#host.log.tail(this.number, (mail) => this.#deliver(mail))
  })

  /** After the tail has ended: lets actors finish what they have, so that the next owner finds nothing half done. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    const finished = Effect.sync(() => this.#progress.open === 0)
    return finished.pipe(
      Effect.repeat({ until: (done) => done, schedule: Schedule.spaced(DRAIN_POLL) }),
      Effect.timeoutOption(DRAIN_TIMEOUT),
      Effect.andThen(this.#purge)
    )
  })

  /** Gives up all activations at once. What they had not committed, the next owner does. */
  drop(): void {
    for (const activation of this.#activations.values()) {
      activation.abandon()
      this.#host.forget(activation)
    }
    this.#activations.clear()
    for (let open = this.#progress.open; open > 0; open--) this.#host.done()
  }

  #deliver(mail: Mail): Effect.Effect<void> | undefined {
    this.#progress.delivered(mail.sequence)
    const full = this.#host.delivered()
    this.#activationOf(mail.to).receive(mail)
    return full
  }

  #activationOf(address: Address): Activation {
    const key = formatAddress(address)
    let activation = this.#activations.get(key)
    if (activation === undefined) {
      activation = new Activation(address, this.#host.compiledOf(address.type), this.#activationHost)
      this.#activations.set(key, activation)
      this.#activationHost.load(activation)
    }
    this.#quiet.delete(activation)
    return activation
  }

  #done(mail: Mail): void {
    this.#progress.done(mail.sequence)
    this.#host.done()
  }

  readonly #purge: Effect.Effect<void> = Effect.suspend(() => {
    const upTo = this.#progress.doneUpTo
    if (upTo <= this.#purgedUpTo) return Effect.void
    return this.#host.log.purge(this.number, upTo).pipe(
      Effect.map(() => {
        this.#purgedUpTo = upTo
      }),
      // It is only tidying: the next round removes what is left.
      Effect.catch((error) => Effect.logDebug("purge failed", { shard: this.number, reason: error.message }))
    )
  })

  /** Passivates who was idle for a whole round. */
  #sweep(): void {
    const quiet = new Set<Activation>()
    for (const [key, activation] of this.#activations) {
      if (!activation.idle) continue
      if (this.#quiet.has(activation)) {
        this.#activations.delete(key)
        this.#host.forget(activation)
      } else quiet.add(activation)
    }
    this.#quiet = quiet
  }
}
