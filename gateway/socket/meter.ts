import type { Costly } from "../admission/costs.ts"
import { Allowance } from "../allowance.ts"
import type { GatewayLimits } from "../policy.ts"
import { ASKING_MAX } from "./question.ts"

/** What is to be done about a frame, before anybody reads it; `over` where the client has been refused too often. */
export type FrameAdmission = "read" | "too_many" | "too_fast" | "unauthenticated" | "over"

type MeterLimits = Pick<
  GatewayLimits,
  | "operationsPerSecond"
  | "bytesPerSecond"
  | "frameBytesMax"
  | "unauthenticatedBytesMax"
  | "asksPerSecond"
  | "historiesPerSecond"
  | "subscriptionsMax"
>

/** What a frame costs besides its bytes. */
const FRAME_BYTES = 16
/** Refusals that a client may be given at once; a twentieth of the rate of its frames comes back each second. */
const REFUSALS_MIN = 20
const REFUSALS_PER_SECOND = 1 / 20

/**
 * Counts what one client sends, by size alone: a frame that is too much costs no more than to say so, and who goes on is not
 * answered for ever.
 */
export class Meter {
  readonly #frames: Allowance
  readonly #bytes: Allowance
  readonly #refusals: Allowance
  readonly #costly: { readonly [kind in Costly]: Allowance }
  #unauthenticatedBytes: number

  constructor(limits: MeterLimits, now: number) {
    const { operationsPerSecond: rate, bytesPerSecond, frameBytesMax } = limits
    this.#frames = new Allowance(rate, rate, now)
    this.#bytes = new Allowance(bytesPerSecond, Math.max(bytesPerSecond, frameBytesMax + FRAME_BYTES), now)
    this.#refusals = new Allowance(rate * REFUSALS_PER_SECOND, Math.max(REFUSALS_MIN, rate), now)
    this.#costly = {
      ask: new Allowance(limits.asksPerSecond, Math.max(limits.asksPerSecond, ASKING_MAX), now),
      // Who comes back opens all its subscriptions where it was.
      history: new Allowance(limits.historiesPerSecond, limits.subscriptionsMax, now)
    }
    this.#unauthenticatedBytes = limits.unauthenticatedBytesMax
  }

  /** A frame has come, of so many bytes; one that is longer than a frame may be costs as much as the longest. */
  came(bytes: number, authenticated: boolean, now: number): FrameAdmission {
    const cost = bytes + FRAME_BYTES
    if (!authenticated) {
      this.#unauthenticatedBytes -= cost
      if (this.#unauthenticatedBytes < 0) return "unauthenticated"
    }
    if (!this.#frames.take(1, now)) return this.#unlessOver("too_many", now)
    return this.#bytes.take(cost, now) ? "read" : this.#unlessOver("too_fast", now)
  }

  /** Something was asked for that costs more. False if that is too much. */
  spend(kind: Costly, now: number): boolean {
    return this.#costly[kind].take(1, now)
  }

  /** A frame was read and is refused. False if that was once too often. */
  refused(now: number): boolean {
    return this.#refusals.take(1, now)
  }

  #unlessOver(admission: FrameAdmission, now: number): FrameAdmission {
    return this.refused(now) ? admission : "over"
  }
}
