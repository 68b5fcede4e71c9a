import type { NodeClock } from "../../runtime/engine/actor/collaborators.ts"

/** A clock that stands still until the test lets time pass. */
export class ManualClock implements NodeClock {
  #time = 0
  #timers: Array<{ readonly at: number; readonly callback: () => void }> = []

  readonly now = (): number => this.#time

  readonly later = (millis: number, callback: () => void): void =>
    void this.#timers.push({ at: this.#time + millis, callback })

  /** Whether something is to happen now. */
  get isDue(): boolean {
    return this.#timers.some(({ at }) => at <= this.#time)
  }

  pass(millis: number): void {
    this.#time += millis
    const due = this.#timers.filter(({ at }) => at <= this.#time)
    this.#timers = this.#timers.filter(({ at }) => at > this.#time)
    for (const { callback } of due) callback()
  }
}
