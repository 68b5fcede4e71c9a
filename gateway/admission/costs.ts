import type { Grant } from "../auth/grant.ts"
import type { GatewayLimits } from "../policy.ts"
import { Buckets } from "./bucket.ts"
import { offenderOf } from "./offences.ts"

/** What costs more than what asks for it: what actors answer, and what is read from the log. */
export type Costly = "ask" | "history"

/** A history may be asked for as often at once as in so many seconds: who comes back opens all its subscriptions where it was. */
const HISTORIES_SAVED_SECONDS = 10

/**
 * What all connections and requests of one client may cost together, whatever protocol they speak: who has many of them gets no more of
 * the time of the nodes and of the log than who has few. Who says nothing of itself is its address.
 */
export class SharedCosts {
  readonly #of: { readonly [kind in Costly]: Buckets }

  constructor({
    asksPerSecondPerClient: asks,
    historiesPerSecondPerClient: histories
  }: Pick<GatewayLimits, "asksPerSecondPerClient" | "historiesPerSecondPerClient">) {
    this.#of = { ask: new Buckets(asks), history: new Buckets(histories, histories * HISTORIES_SAVED_SECONDS) }
  }

  /** Counts one more. False if that is too much. `now` is in milliseconds, on any clock that only goes forward. */
  take(kind: Costly, address: string, grant: Grant | undefined, now: number): boolean {
    return this.#of[kind].take(offenderOf(address, grant), now)
  }
}
