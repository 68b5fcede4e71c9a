import { Effect } from "effect"
import { type Address, formatAddress } from "../../address.ts"
import type { LogStorage } from "../../log.ts"
import { alertEntry } from "./alert.ts"

/** So many actors are remembered as told of; past them the oldest are told of again. */
const TOLD_MAX = 1_000

/** Says of actors whose journal goes on without a snapshot that was due: each once, in the log and as an alert. */
export class MissedSnapshots {
  readonly #log: Pick<LogStorage, "append">
  readonly #fork: (effect: Effect.Effect<void>) => unknown
  readonly #now: () => number
  readonly #told = new Set<string>()

  /** `now`: milliseconds since 1970. */
  constructor(log: Pick<LogStorage, "append">, fork: (effect: Effect.Effect<void>) => unknown, now: () => number) {
    this.#log = log
    this.#fork = fork
    this.#now = now
  }

  readonly missed = (address: Address, reason: string): void => {
    const actor = formatAddress(address)
    if (this.#told.has(actor)) return
    this.#told.add(actor)
    for (const oldest of this.#told) {
      if (this.#told.size <= TOLD_MAX) break
      this.#told.delete(oldest)
    }
    const message = `${actor} gets no snapshot: ${reason}; its journal grows with every step, and is read whole`
    const alert = alertEntry({ severity: "warning", code: "no_snapshot", message, at: this.#now() }, { actor })
    this.#fork(Effect.andThen(Effect.logWarning(message), Effect.ignore(this.#log.append([alert]))))
  }
}
