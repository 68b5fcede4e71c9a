import type { Activation } from "./activation.ts"

/** How much of the limit is left in use after actors were passivated to make room. */
const ROOM = 0.9

export interface ResidentsOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** About how much memory the actors may take, in bytes. Their mail is bounded by itself. */
  readonly memoryBytesMax: number
  /** How long an actor may do nothing before it is passivated, in milliseconds. */
  readonly idleMillisMax: number
  readonly forget: (activation: Activation) => void
}

/**
 * The actors in a node's memory. Passivates who did nothing for long, and, where they take more memory together than they may,
 * who was used least recently, except those that have something under way.
 */
export class Residents {
  readonly #options: ResidentsOptions
  readonly #all = new Map<Activation, () => boolean>()

  constructor(options: ResidentsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#all.size
  }

  add(activation: Activation, passivate: () => boolean): void {
    this.#all.set(activation, passivate)
  }

  forget(activation: Activation): void {
    this.#all.delete(activation)
    this.#options.forget(activation)
  }

  /** To be called every now and then. Gives how many were passivated. */
  sweep(): number {
    const { now, idleMillisMax, memoryBytesMax } = this.#options
    const before = this.#all.size
    const idleSince = now() - idleMillisMax
    let weight = 0
    for (const [activation, passivate] of this.#all) {
      if (activation.lastUsed > idleSince || !passivate()) weight += activation.weight
    }
    if (weight > memoryBytesMax) this.#shrink(weight - memoryBytesMax * ROOM)
    return before - this.#all.size
  }

  #shrink(excess: number): void {
    const oldestFirst = [...this.#all].sort(([one], [other]) => one.lastUsed - other.lastUsed)
    let freed = 0
    for (const [activation, passivate] of oldestFirst) {
      if (freed >= excess) return
      const { weight } = activation
      if (passivate()) freed += weight
    }
  }
}
