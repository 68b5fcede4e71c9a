import type { GatewayLimits } from "../policy.ts"
import { noRoom } from "./close-frames.ts"
import type { Connection } from "./connection.ts"

// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

/**
 * The WebSockets of those who have not said who they are, and have to.
 *
 * They take no place of a client. One too many takes the place of the oldest, of its address first: who would hold all of them
 * has to connect again and again, and who says who it is needs one for a moment only.
 */
export class Unauthenticated {
  readonly #limits: Pick<GatewayLimits, "unauthenticatedMax" | "unauthenticatedPerAddressMax">
  /** In the order in which they came. */
  readonly #all = new Map<Connection, string>()
  readonly #byAddress = new Map<string, Set<Connection>>()

  constructor(limits: Pick<GatewayLimits, "unauthenticatedMax" | "unauthenticatedPerAddressMax">) {
    this.#limits = limits
  }

  get size(): number {
    return this.#all.size
  }

  add(connection: Connection, address: string): void {
    const { unauthenticatedMax, unauthenticatedPerAddressMax } = this.#limits
    const same = this.#byAddress.get(address) ?? new Set()
    if (same.size >= unauthenticatedPerAddressMax) this.#drop(same.keys().next().value)
    else if (this.#all.size >= unauthenticatedMax) this.#drop(this.#all.keys().next().value)
    // That may have been the last one of its address.
    this.#byAddress.set(address, same.add(connection))
    this.#all.set(connection, address)
  }

  remove(connection: Connection): void {
    const address = this.#all.get(connection)
    if (address === undefined) return
    this.#all.delete(connection)
    const same = this.#byAddress.get(address)
    same?.delete(connection)
    if (same?.size === 0) this.#byAddress.delete(address)
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#all.keys()
  }

  #drop(oldest: Connection | undefined): void {
    if (oldest === undefined) return
    this.remove(oldest)
    oldest.leave(noRoom("too many connections have not said who they are"), TRY_AGAIN_LATER, "authentication needed")
  }
}
