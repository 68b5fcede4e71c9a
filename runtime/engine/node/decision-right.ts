import type { LogHealth } from "../../log.ts"
import type { NodeLease } from "./node-lease.ts"

/** Whether a node may decide messages: while its lease surely holds, and the log is the one that it knows (invariant 1 of `Node`). */
export class DecisionRight {
  readonly #log: LogHealth
  readonly #lease: NodeLease
  #refused = false

  constructor(log: LogHealth, lease: NodeLease) {
    this.#log = log
    this.#lease = lease
  }

  /** Once it says no, mail waits until the node lets everything go on. */
  mayDecide(): boolean {
    if (this.#log.status.fault === undefined && this.#lease.mayDecide()) return true
    this.#refused = true
    return false
  }

  /**
   * Mail was to be decided and might not be, since this was last forgotten. The tail that brought it waits for ever, and a new one
   * is needed.
   */
  get refused(): boolean {
    return this.#refused
  }

  forget(): void {
    this.#refused = false
  }
}
