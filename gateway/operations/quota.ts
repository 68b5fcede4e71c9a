import { Effect, Schema } from "effect"
import { limitNames } from "../policy.ts"

/** A client has named as many symbols as one may: each is an actor, which stays. */
export class TooManySymbols extends Schema.TaggedError<TooManySymbols>()("TooManySymbols", { limit: Schema.Int }) {
  override get message() {
    return `one client names at most ${this.limit} symbols (${limitNames.symbolsMax})`
  }
}

/** As many rounds of a client as one may have are under way. */
export class TooManyRounds extends Schema.TaggedError<TooManyRounds>()("TooManyRounds", { limit: Schema.Int }) {
  override get message() {
    return `one client has at most ${this.limit} rounds under way (${limitNames.roundsMax})`
  }
}

/** What one client may still begin. */
export interface Quota {
  /** Counts the symbols that were not named before. None of them is counted where they are too many. */
  readonly name: (symbols: ReadonlyArray<string>) => Effect.Effect<void, TooManySymbols>
  /** Counts a round until it has surely ended, that many milliseconds from now. */
  readonly open: (millis: number) => Effect.Effect<void, TooManyRounds>
}

interface Used {
  readonly symbols: Set<string>
  /** When each round that was opened has surely ended. */
  rounds: Array<number>
}

export interface QuotaLimits {
  readonly symbolsMax: number
  readonly roundsMax: number
}

/** Clients that are remembered; what was counted of the one who asked longest ago is forgotten first. */
const CLIENTS_MAX = 10_000

/**
 * Counts what clients began since the gateway started, by who they are: a client cannot get more by connecting anew.
 *
 * A round counts for as long as it may take, also where it ends sooner: the gateway does not follow it.
 */
export class Quotas {
  readonly #limits: QuotaLimits
  readonly #now: () => number
  readonly #clients = new Map<string, Used>()

  /** `now` is in milliseconds, on any clock that only goes forward. */
  constructor(limits: QuotaLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  of(subject: string): Quota {
    return {
      name: (symbols) => Effect.suspend(() => this.#name(this.#used(subject), symbols)),
      open: (millis) => Effect.suspend(() => this.#open(this.#used(subject), millis))
    }
  }

  #used(subject: string): Used {
    const used = this.#clients.get(subject) ?? { symbols: new Set<string>(), rounds: [] }
    this.#clients.delete(subject)
    this.#clients.set(subject, used)
    if (this.#clients.size > CLIENTS_MAX) {
      const [longestAgo] = this.#clients.keys()
      if (longestAgo !== undefined) this.#clients.delete(longestAgo)
    }
    return used
  }

  #name(used: Used, symbols: ReadonlyArray<string>): Effect.Effect<void, TooManySymbols> {
    const limit = this.#limits.symbolsMax
    const added = new Set(symbols.filter((symbol) => !used.symbols.has(symbol)))
    if (used.symbols.size + added.size > limit) return Effect.fail(new TooManySymbols({ limit }))
    for (const symbol of added) used.symbols.add(symbol)
    return Effect.void
  }

  #open(used: Used, millis: number): Effect.Effect<void, TooManyRounds> {
    const limit = this.#limits.roundsMax
    const now = this.#now()
    used.rounds = used.rounds.filter((end) => end > now)
    if (used.rounds.length >= limit) return Effect.fail(new TooManyRounds({ limit }))
    used.rounds.push(now + millis)
    return Effect.void
  }
}
