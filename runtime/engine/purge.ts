import { Effect, Latch } from "effect"
import type { Announcement, Membership } from "../leases.ts"
import type { ActorLog } from "../log.ts"
import { Marks } from "./marks.ts"

/**
 * Removes mail that is done, of all nodes' shards together: with a filter for each shard the server would look at every
 * message in between as often as there are shards.
 *
 * Every node keeps the marks, and one of them purges: the first by name of those alive. If two believe that they are, both
 * purge what is done.
 */
export class Purge {
  readonly marks = new Marks()
  readonly #log: ActorLog["Service"]
  readonly #due = Latch.makeUnsafe(false)
  readonly #purged = new Map<string, number>()
  #seen: Membership["nodes"] = new Map()
  #isOurs = true

  constructor(log: ActorLog["Service"]) {
    this.#log = log
  }

  /** What the others say of themselves. */
  see(node: string, { nodes }: Membership): void {
    for (const [name, announcement] of nodes) {
      if (this.#seen.get(name) !== announcement) this.marks.take(announcement)
    }
    this.#seen = nodes
    this.#isOurs = [...nodes.keys()].every((name) => name >= node)
  }

  /** What we said of ourselves with a renewal that succeeded. It is time to purge. */
  take(said: Pick<Announcement, "done" | "lanes">): void {
    this.marks.take(said)
    if (this.#isOurs) this.#due.openUnsafe()
  }

  /** Purges for ever. */
  readonly run: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => this.#due.await).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          this.#due.closeUnsafe()
          return Effect.forEach(this.marks.roles, (role) => this.#purge(role), { discard: true })
        })
      )
    )
  )

  #purge(role: string): Effect.Effect<void> {
    const upTo = this.marks.ofRole(role, this.#log.shards)
    if (upTo <= (this.#purged.get(role) ?? 0)) return Effect.void
    return this.#log.purge(upTo, role).pipe(
      Effect.map(() => void this.#purged.set(role, upTo)),
      // It is only tidying: the next round removes what is left.
      Effect.catch((error) => Effect.logDebug("purge failed", { role, reason: error.message }))
    )
  }
}
