/** The numbers of one seed. The same seed and the same questions give the same answers, on every machine. */
export class Prng {
  #state: number

  /** `seed`: a whole number. */
  constructor(seed: number) {
    this.#state = mix(seed | 0, Math.floor(seed / 2 ** 32) | 0)
  }

  /** A stream of its own for a purpose: what others draw does not change it. */
  split(purpose: string): Prng {
    let hash = this.#state
    for (let index = 0; index < purpose.length; index++) hash = mix(hash, purpose.charCodeAt(index))
    return new Prng(hash)
  }

  /** The next number in [0, 1): Mulberry32 (Tommy Ettinger 2017). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let hash = this.#state
    hash = Math.imul(hash ^ (hash >>> 15), hash | 1)
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61)
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }

  pick<A>(choices: ReadonlyArray<A>): A {
    return choices[this.below(choices.length)]!
  }
}

const mix = (hash: number, value: number): number => {
  let mixed = Math.imul(hash ^ value, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) | 0
}
