import type { Connection } from "./socket/connection.ts"
import { type DeliveryStats, NOTHING, sumOf } from "./streams/subscription-queue.ts"

/** Someone who is connected. */
export interface RegisteredConnection {
  readonly connection: Connection
  /** Where from, as an IP address. */
  readonly address: string
}

/** Everyone who is connected, and what became of the events of those who were. */
export class ConnectionRegistry {
  readonly #present = new Map<Connection, RegisteredConnection>()
  readonly #byAddress = new Map<string, number>()
  #gone: DeliveryStats = NOTHING

  get size(): number {
    return this.#present.size
  }

  /** How many are connected from an address. */
  from(address: string): number {
    return this.#byAddress.get(address) ?? 0
  }

  has(connection: Connection): boolean {
    return this.#present.has(connection)
  }

  add(present: RegisteredConnection): void {
    this.#present.set(present.connection, present)
    this.#byAddress.set(present.address, this.from(present.address) + 1)
  }

  remove(connection: Connection): void {
    const present = this.#present.get(connection)
    if (present === undefined) return
    this.#present.delete(connection)
    const left = this.from(present.address) - 1
    if (left === 0) this.#byAddress.delete(present.address)
    else this.#byAddress.set(present.address, left)
    this.#gone = sumOf(this.#gone, connection.account())
  }

  [Symbol.iterator](): Iterator<RegisteredConnection> {
    return this.#present.values()
  }

  /** What became of all events that there were for anybody since the gateway started, and for how many clients some wait. */
  tell(): { readonly account: DeliveryStats; readonly behind: number } {
    let [account, behind] = [this.#gone, 0]
    for (const connection of this.#present.keys()) {
      const own = connection.account()
      if (own.waiting > 0) behind++
      account = sumOf(account, own)
    }
    return { account, behind }
  }
}
