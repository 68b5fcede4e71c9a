import { Effect, Latch } from "effect"
import type { Announcement, Membership } from "../../leases.ts"
import type { LogHealth, LogStorage } from "../../log.ts"
import { typesServed } from "./serving.ts"
import { Watermarks } from "./watermarks.ts"

/** After removing mail by type it rests for so many times as long as that took: it costs the server more than the usual way. */
const RESTS_TIMES = 10

/**
 * Removes mail that is done, of all nodes' shards together: with a filter for each shard the server would look at every
 * message in between as often as there are shards.
 *
 * Where somebody is far behind, the mail of all others is removed nevertheless, beyond the oldest message that is not done.
 *
 * Every node keeps the watermarks, and one of them purges: the first by name of those alive. If two believe that they are, both
 * purge what is done.
 */
export class Purge {
  readonly watermarks = new Watermarks()
  readonly #log: Pick<LogStorage, "purge" | "purgeType" | "shards"> & LogHealth
  readonly #due = Latch.makeUnsafe(false)
  readonly #purged = new Map<string, number>()
  /** By type in a role: up to where mail was removed although somebody is behind. */
  readonly #aside = new Map<string, number>()
  /** The types that nodes serve, by role. */
  readonly #types = new Map<string, Set<string>>()
  readonly #asideAfter: number
  readonly #now: () => number
  #restsUntil = 0
  #seen: Membership["nodes"] = new Map()
  #isOurs = true

  /** `asideAfter`: how far, in sequences, somebody has to be behind. `now`: milliseconds by a clock that only goes forward. */
  constructor(
    log: Pick<LogStorage, "purge" | "purgeType" | "shards"> & LogHealth,
    asideAfter: number,
    now: () => number
  ) {
    this.#log = log
    this.#asideAfter = asideAfter
    this.#now = now
  }

  /** What the others say of themselves. */
  see(node: string, { nodes }: Membership): void {
    for (const [name, announcement] of nodes) {
      if (this.#seen.get(name) === announcement || announcement.log !== this.#log.status.life) continue
      this.watermarks.take(announcement, this.#log.status.lastSequence)
      for (const role of announcement.roles) {
        const types = this.#types.get(role) ?? new Set()
        this.#types.set(role, types)
        for (const type of typesServed(announcement, role)) types.add(type)
      }
    }
    this.#seen = nodes
    this.#isOurs = [...nodes.keys()].every((name) => name >= node)
  }

  /** What we said of ourselves with a renewal that succeeded. It is time to purge. */
  take(said: Pick<Announcement, "done" | "lanes">): void {
    this.watermarks.take(said)
    if (this.#isOurs) this.#due.openUnsafe()
  }

  /** Purges for ever. */
  readonly run: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => this.#due.await).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          this.#due.closeUnsafe()
          return Effect.forEach(
            [...this.watermarks.roles],
            (role) => Effect.andThen(this.#purge(role), this.#purgeAside(role)),
            { discard: true }
          )
        })
      )
    )
  )

  #purge(role: string): Effect.Effect<void> {
    const upTo = this.watermarks.ofRole(role, this.#log.shards)
    if (upTo <= (this.#purged.get(role) ?? 0)) return Effect.void
    return this.#log.purge(upTo, role).pipe(
      Effect.map(() => void this.#purged.set(role, upTo)),
      // It is only tidying: the next round removes what is left.
      Effect.catch((error) => Effect.logDebug("purge failed", { role, reason: error.message }))
    )
  }

  /** Removes what is done beyond the mail of those who are far behind, type by type, and rests as it takes time. */
  #purgeAside(role: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const began = this.#now()
      if (began < this.#restsUntil) return Effect.void
      const upTo = this.watermarks.ofRole(role, this.#log.shards)
      return Effect.forEach(this.#types.get(role) ?? [], (type) => this.#purgeType(role, type, upTo), {
        discard: true
      }).pipe(
        Effect.andThen(
          Effect.sync(() => {
            const ended = this.#now()
            this.#restsUntil = ended + RESTS_TIMES * (ended - began)
          })
        )
      )
    })
  }

  #purgeType(role: string, type: string, purged: number): Effect.Effect<void> {
    const { upTo, except } = this.watermarks.ofType(role, type, this.#log.shards)
    const key = `${role}.${type}`
    if (upTo < Math.max(purged, this.#aside.get(key) ?? 0) + this.#asideAfter) return Effect.void
    return this.#log.purgeType(upTo, role, type, except).pipe(
      Effect.map(() => void this.#aside.set(key, upTo)),
      Effect.catch((error) => Effect.logDebug("purge failed", { role, type, reason: error.message }))
    )
  }
}
