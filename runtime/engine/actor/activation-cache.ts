/** How much of the limit is left in use after actors were passivated to make room. */
const ROOM = 0.9
const ADDED_MAX = 1_000

/** One actor in memory. */
export interface CachedActivation {
  /** When it last got a message, by the same clock as `now`, in milliseconds. */
  readonly lastUsed: number
  /** About how much memory it takes, in bytes. */
  readonly weight: number
}

export interface ActivationCacheOptions<A> {
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
  /** About how much memory the actors may take, in bytes. Their mail is bounded by itself. */
  readonly memoryBytesMax: number
  /** How long an actor may do nothing before it is passivated, in milliseconds. */
  readonly idleMillisMax: number
  /** Who has something of an actor that is forgotten with it. */
  readonly users: ReadonlyArray<{ readonly forget: (activation: A) => void }>
  readonly counts: { activations: number; passivations: number }
}

/**
 * The actors in a node's memory. Passivates who did nothing for long, and, where they take more memory together than they may,
 * who was used least recently, except those that have something under way.
 */
export class ActivationCache<A extends CachedActivation> {
  readonly #options: ActivationCacheOptions<A>
  readonly #all = new Map<A, () => boolean>()
  #added = 0

  constructor(options: ActivationCacheOptions<A>) {
    this.#options = options
  }

  /** About how many bytes they take. */
  get weight(): number {
    let weight = 0
    for (const activation of this.#all.keys()) weight += activation.weight
    return weight
  }

  get size(): number {
    return this.#all.size
  }

  /** `passivate` forgets the actor, unless it has something under way; then it says false. */
  add(activation: A, passivate: () => boolean): void {
    this.#all.set(activation, passivate)
    this.#options.counts.activations++
    // Many at once do not wait for the next round.
    if (++this.#added >= ADDED_MAX) this.sweep()
  }

  forget(activation: A): void {
    this.#all.delete(activation)
    for (const user of this.#options.users) user.forget(activation)
  }

  /** To be called every now and then. Gives how many were passivated. */
  sweep(): number {
    const { now, idleMillisMax, memoryBytesMax, counts } = this.#options
    this.#added = 0
    const before = this.#all.size
    const idleSince = now() - idleMillisMax
    let weight = 0
    for (const [activation, passivate] of this.#all) {
      if (activation.lastUsed > idleSince || !passivate()) weight += activation.weight
    }
    if (weight > memoryBytesMax) this.#shrink(weight - memoryBytesMax * ROOM)
    const passivated = before - this.#all.size
    counts.passivations += passivated
    return passivated
  }

  #shrink(excess: number): void {
    const oldestFirst = [...this.#all].sort(([one], [other]) => one.lastUsed - other.lastUsed)
    let freed = 0
    for (const [{ weight }, passivate] of oldestFirst) {
      if (freed >= excess) return
      if (passivate()) freed += weight
    }
  }
}
