import { Duration } from "effect"
import type { Limits } from "../../actor.ts"
import type { Activation } from "./activation.ts"

/** What it needs of the node around it. */
export interface TypeLimiterHost {
  /** Milliseconds by a clock that only goes forward. */
  readonly now: () => number
  /** Calls back after so many milliseconds. */
  readonly later: (millis: number, callback: () => void) => void
}

/**
 * Holds the actors of one type on one node to its limits: how many work at once, and how many messages they decide in a
 * time (a token bucket). Who is not let in is called again when there is room.
 */
export class TypeLimiter {
  readonly #host: TypeLimiterHost
  readonly #concurrency: number
  readonly #rate: { readonly messages: number; readonly perMillis: number } | undefined
  readonly #working = new Set<Activation>()
  /** Who waits for a place, and then maybe for the rate. */
  readonly #waiting = new Set<Activation>()
  /** Who has a place and waits for the rate alone: it is called also where there is no other place. */
  readonly #starved = new Set<Activation>()
  #tokens: number
  #filledAt: number
  #called = false
  /** Somebody is being called, who may leave at once: then who called goes on, and nobody calls from inside. */
  #calling = false

  constructor(limits: Limits, host: TypeLimiterHost) {
    this.#host = host
    this.#concurrency = limits.concurrency ?? Number.POSITIVE_INFINITY
    this.#rate = limits.rate && {
      messages: limits.rate.messages,
      perMillis: limits.rate.messages / Duration.toMillis(Duration.fromInputUnsafe(limits.rate.per))
    }
    this.#tokens = limits.rate?.messages ?? 0
    this.#filledAt = host.now()
  }

  /** Whether an actor may decide one message, for which it then spends a token. False: it is resumed when it may try again. */
  enter(activation: Activation): boolean {
    if (!this.#working.has(activation) && this.#working.size >= this.#concurrency) {
      this.#waiting.add(activation)
      return false
    }
    if (!this.#hasToken()) {
      const waiting = this.#working.has(activation) ? this.#starved : this.#waiting
      waiting.add(activation)
      this.#callWhenFilled()
      return false
    }
    this.#waiting.delete(activation)
    this.#starved.delete(activation)
    this.#working.add(activation)
    return true
  }

  /** A message was decided. */
  spend(): void {
    this.#tokens--
  }

  /** The actor has nothing under way any more. */
  leave(activation: Activation): void {
    if (this.#working.delete(activation)) this.#callNext()
  }

  /** The actor is given up. */
  forget(activation: Activation): void {
    this.#waiting.delete(activation)
    this.#starved.delete(activation)
    this.leave(activation)
  }

  #hasToken(): boolean {
    if (this.#rate === undefined) return true
    const now = this.#host.now()
    this.#tokens = Math.min(this.#rate.messages, this.#tokens + (now - this.#filledAt) * this.#rate.perMillis)
    this.#filledAt = now
    return this.#tokens >= 1
  }

  #callWhenFilled(): void {
    if (this.#called || this.#rate === undefined) return
    this.#called = true
    this.#host.later(Math.ceil((1 - this.#tokens) / this.#rate.perMillis), () => {
      this.#called = false
      this.#callNext()
    })
  }

  /** As many as there is room for, in the order in which they came. */
  #callNext(): void {
    if (this.#calling) return
    this.#calling = true
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        this.#starved.delete(next)
        this.#waiting.delete(next)
        next.resume()
      }
    } finally {
      this.#calling = false
    }
  }

  /** Who is to be called now. Who has a place already needs only the rate. */
  #next(): Activation | undefined {
    const hasPlace = this.#working.size < this.#concurrency
    const next = first(this.#starved) ?? (hasPlace ? first(this.#waiting) : undefined)
    if (next === undefined || this.#hasToken()) return next
    this.#callWhenFilled()
    return undefined
  }
}

const first = <A>(all: Iterable<A>): A | undefined => {
  for (const one of all) return one
  return undefined
}

/** The limiters of a node, one for each type that has limits. */
export class TypeLimiters {
  readonly #host: TypeLimiterHost
  readonly #limiters = new Map<string, TypeLimiter>()

  constructor(host: TypeLimiterHost) {
    this.#host = host
  }

  admit(activation: Activation): boolean {
    return this.#of(activation)?.enter(activation) ?? true
  }

  spend(activation: Activation): void {
    this.#of(activation)?.spend()
  }

  rested(activation: Activation): void {
    this.#of(activation)?.leave(activation)
  }

  forget(activation: Activation): void {
    this.#of(activation)?.forget(activation)
  }

  #of({ compiled }: Activation): TypeLimiter | undefined {
    const { limits } = compiled.definition
    if (limits === undefined || (limits.rate === undefined && limits.concurrency === undefined)) return undefined
    let limiter = this.#limiters.get(compiled.type)
    if (limiter === undefined) {
      limiter = new TypeLimiter(limits, this.#host)
      this.#limiters.set(compiled.type, limiter)
    }
    return limiter
  }
}
