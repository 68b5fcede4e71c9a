import { Effect, Schedule } from "effect"
import { type Address, formatAddress } from "../address.ts"
import type { Mail } from "../log.ts"
import { Activation, type ActivationHost } from "./activation.ts"
import type { Compiled } from "./compiled.ts"
import { Progress } from "./progress.ts"

/** What a shard needs of the node around it. */
export interface ShardHost {
  readonly compiledOf: (type: string) => Compiled
  /** What its activations are given; what is done and set aside, the shard keeps. */
  readonly activationHost: Omit<ActivationHost, "done" | "setAside">
  /** The activation is given up: nothing of it is committed, run or kept any more. */
  readonly forget: (activation: Activation) => void
  /** Messages were delivered or done, on which the node's limit counts. */
  readonly opened: () => void
  readonly closed: (count: number) => void
}

const DRAIN_POLL = "5 millis"
/** How long a shard that is given back waits for its actors to commit what they decided. */
const DRAIN_TIMEOUT = "5 seconds"

/**
 * One owned shard: its live actors, and how far its mail is done.
 *
 * Invariants:
 * 1. Each mail is given to its actor once, in order, while the shard is owned.
 * 2. `doneUpTo` never passes a mail whose effects are not in the journal.
 */
export class Shard {
  readonly name: string
  readonly #host: ShardHost
  readonly #activationHost: ActivationHost
  readonly #activations = new Map<string, Activation>()
  /** Activations that did nothing since the last sweep. */
  #quiet = new Set<Activation>()
  readonly #progress = new Progress()
  /** Messages of actors that cannot be recovered: open for ever, but nobody waits for them. */
  #aside = 0
  #purgedUpTo = 0
  #serving = true
  #followed = false

  constructor(name: string, host: ShardHost) {
    this.name = name
    this.#host = host
    this.#activationHost = {
      ...host.activationHost,
      done: (_, mail) => {
        this.#progress.done(mail.sequence)
        host.closed(1)
      },
      setAside: () => {
        this.#aside++
        host.closed(1)
      }
    }
  }

  get progress(): Pick<Progress, "lastDelivered" | "oldestOpen" | "doneUpTo" | "open"> {
    return this.#progress
  }

  /** How many of its actors are in memory. */
  get residents(): number {
    return this.#activations.size
  }

  /** Whether the node's tail reads this shard's mail: only then does what the tail has passed say anything of it. */
  get followed(): boolean {
    return this.#followed
  }

  /** The node's tail reads this shard's mail from now on, from after the sequence that it returns. */
  follow(): number {
    this.#followed = this.#serving
    return this.#progress.lastDelivered
  }

  purgeDue(upTo: number): boolean {
    return upTo > this.#purgedUpTo
  }

  purged(upTo: number): void {
    this.#purgedUpTo = upTo
  }

  deliver(mail: Mail): void {
    if (!this.#serving || mail.sequence <= this.#progress.lastDelivered) return
    this.#progress.delivered(mail.sequence)
    this.#host.opened()
    this.#activationOf(mail.to).receive(mail)
  }

  /** Takes no more mail and lets actors finish what they have, so that the next owner finds nothing half done. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    this.#serving = false
    this.#followed = false
    return Effect.sync(() => this.#progress.open === this.#aside).pipe(
      Effect.repeat({ until: (finished) => finished, schedule: Schedule.spaced(DRAIN_POLL) }),
      Effect.timeoutOption(DRAIN_TIMEOUT),
      Effect.asVoid
    )
  })

  /** Gives up all activations at once. What they had not committed, the next owner does. */
  drop(): void {
    this.#serving = false
    for (const activation of this.#activations.values()) {
      activation.abandon()
      this.#host.forget(activation)
    }
    this.#activations.clear()
    this.#host.closed(this.#progress.open - this.#aside)
  }

  /** The node may decide again: what waited goes on. */
  resume(): void {
    for (const activation of this.#activations.values()) activation.resume()
  }

  /** Passivates who was idle since the last sweep. */
  sweep(): void {
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
}
