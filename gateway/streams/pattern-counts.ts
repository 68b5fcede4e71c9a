import { Effect, Schema, type Scope } from "effect"
import { type GatewayLimits, limitNames } from "../policy.ts"
import { SubjectTrie } from "./trie.ts"

/** All clients together, or one, want as many different patterns as the gateway takes. */
export class TooManyPatterns extends Schema.TaggedError<TooManyPatterns>()("TooManyPatterns", {
  limit: Schema.Int,
  of: Schema.Literals(["all", "client"])
}) {
  override get message() {
    return this.of === "all"
      ? `clients of this gateway want ${this.limit} different patterns already (${limitNames.patternsMax})`
      : `you want ${this.limit} different patterns already (${limitNames.patternsPerClientMax})`
  }
}

/** How often somebody wants each pattern. */
type Counts = Map<string, number>

/**
 * Which patterns are wanted, so that nobody wants more than is there for all. Of all clients together those do not count that
 * another one covers.
 */
export class PatternCounts {
  readonly #limits: Pick<GatewayLimits, "patternsMax" | "patternsPerClientMax">
  readonly #counted = new SubjectTrie<object>()
  readonly #clients = new Map<string, Counts>()

  constructor(limits: Pick<GatewayLimits, "patternsMax" | "patternsPerClientMax">) {
    this.#limits = limits
  }

  /** One more wants a pattern, until the scope closes. `client` is who, where clients are told apart. */
  want(pattern: string, client: string | undefined): Effect.Effect<void, TooManyPatterns, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.suspend(() => this.#enter(pattern, client)),
      (leave) => Effect.sync(leave)
    ).pipe(Effect.asVoid)
  }

  #enter(pattern: string, client: string | undefined): Effect.Effect<() => void, TooManyPatterns> {
    const { patternsMax, patternsPerClientMax } = this.#limits
    const own = client === undefined ? undefined : (this.#clients.get(client) ?? new Map())
    if (own !== undefined && !own.has(pattern) && own.size >= patternsPerClientMax) {
      return Effect.fail(new TooManyPatterns({ limit: patternsPerClientMax, of: "client" }))
    }
    const counts = this.#counted.cover(pattern) === undefined
    if (counts && this.#counted.size >= patternsMax) {
      return Effect.fail(new TooManyPatterns({ limit: patternsMax, of: "all" }))
    }
    const member = {}
    if (counts) this.#counted.add(pattern, member)
    if (client !== undefined && own !== undefined) {
      own.set(pattern, (own.get(pattern) ?? 0) + 1)
      this.#clients.set(client, own)
    }
    return Effect.succeed(() => {
      if (counts) this.#counted.remove(pattern, member)
      if (client !== undefined && own !== undefined) this.#leave(pattern, client, own)
    })
  }

  #leave(pattern: string, client: string, own: Counts): void {
    const left = (own.get(pattern) ?? 1) - 1
    if (left > 0) return void own.set(pattern, left)
    own.delete(pattern)
    if (own.size === 0) this.#clients.delete(client)
  }
}
