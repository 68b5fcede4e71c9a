import { Latch } from "effect"
import type { Membership } from "../../leases.ts"

/** The membership as a node last saw it, and that something of it, or of the node itself, has changed since it was looked at. */
export class MembershipView {
  readonly changed = Latch.makeUnsafe(true)
  #membership: Membership = { nodes: new Map(), holders: new Map() }

  get now(): Membership {
    return this.#membership
  }

  see(membership: Membership): void {
    this.#membership = membership
    this.changed.openUnsafe()
  }
}
