import { Effect } from "effect"
import type { Leases } from "../../leases.ts"
import { Recurring } from "../../recurring.ts"
import type { Probations } from "../recovery/probations.ts"
import type { Shards } from "../shard/shards.ts"
import type { Holdings } from "./holdings.ts"

/** A shard that is declined has an actor in it that will never be done here: the others get no longer than this. */
const DECLINED_PATIENCE = "500 millis"

interface MovesHost {
  readonly node: string
  readonly leases: Leases["Service"]
  readonly shards: Shards
  readonly holdings: Holdings
  readonly probations: Probations
  /** The node's present life. */
  readonly life: () => unknown
  /** Whether a shard is left to a newer node. */
  readonly isDeclined: (shard: string) => boolean
  /** A shard was given back, or it could not be. */
  readonly ended: (shard: string) => void
}

/** Takes shards and lanes for a node, and gives them back. */
export class Moves {
  readonly #host: MovesHost
  readonly #leaving = new Set<string>()
  readonly #recurring = new Recurring()

  constructor(host: MovesHost) {
    this.#host = host
  }

  /** What is being given back. */
  get leaving(): ReadonlySet<string> {
    return this.#leaving
  }

  /** Takes a lease. It counts only in the life in which it was asked for. */
  acquire(shard: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { leases, node, life, holdings, probations } = this.#host
      const before = life()
      return Effect.gen(function* () {
        if (!(yield* leases.acquire(shard, node))) return
        yield* probations.taken(shard)
        if (before === life()) holdings.acquired(shard)
      })
    }).pipe(
      Effect.catch((error) => this.#recurring.say("Warn", "shard not acquired", { shard, reason: error.message }))
    )
  }

  /** Gives it back once its actors have finished what they have. */
  giveBack(shard: string): Effect.Effect<void> {
    const { leases, node, shards, isDeclined, ended } = this.#host
    this.#leaving.add(shard)
    return Effect.suspend(() => {
      const drain = shards.drain(shard)
      return isDeclined(shard) ? Effect.timeoutOption(drain, DECLINED_PATIENCE) : drain
    }).pipe(
      Effect.andThen(Effect.sync(() => shards.drop(shard))),
      Effect.andThen(Effect.suspend(() => leases.release(shard, node))),
      // What is not released is released again, after the next renewal.
      Effect.catch((error) => this.#recurring.say("Warn", "shard not released", { shard, reason: error.message })),
      Effect.andThen(
        Effect.sync(() => {
          this.#leaving.delete(shard)
          ended(shard)
        })
      ),
      Effect.uninterruptible
    )
  }
}
