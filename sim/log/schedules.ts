import { type Address, type Entry, formatAddress } from "../../runtime/index.ts"
import type { Host } from "./host.ts"

type ScheduledTimer = Extract<Entry, { kind: "timer" }>

/** The timers that have not fired: one by owner and name, and each fires once. */
export class Schedules {
  readonly #host: Host
  readonly #fire: (timer: ScheduledTimer) => boolean
  readonly #set = new Map<string, ScheduledTimer>()

  /** `fire` puts a timer's message into its mailbox. False if there is no room now: it is tried again. */
  constructor(host: Host, fire: (timer: ScheduledTimer) => boolean) {
    this.#host = host
    this.#fire = fire
  }

  get size(): number {
    return this.#set.size
  }

  set(timer: ScheduledTimer): void {
    const key = timerKey(timer.owner, timer.name)
    this.#set.set(key, timer)
    this.#arm(key, timer, timer.at + (timer.graceMillis ?? 0))
  }

  remove(owner: Address, name: string): void {
    this.#set.delete(timerKey(owner, name))
  }

  #arm(key: string, timer: ScheduledTimer, at: number): void {
    this.#host.at(Math.max(at, this.#host.now()), () => {
      if (this.#set.get(key) !== timer) return
      if (this.#fire(timer)) this.#set.delete(key)
      else this.#arm(key, timer, this.#host.now() + AGAIN_MILLIS)
    })
  }
}

const AGAIN_MILLIS = 1_000

/** What tells timers apart. An id holds no space. */
export const timerKey = (owner: Address, name: string): string => `${formatAddress(owner)} ${name}`
