import { Schema } from "effect"

/** An actor has more mail than its type allows: who would send it more should wait. */
export const Pressure = Schema.Struct({
  actor: Schema.String,
  waiting: Schema.Int,
  retry_after_ms: Schema.Int
})
export type Pressure = typeof Pressure.Type

export const formatPressure = (pressure: Pressure): string => JSON.stringify(pressure)

/** Anybody can broadcast: what is none is ignored. */
export const parsePressure = (payload: string): Pressure | undefined => {
  try {
    return decode(JSON.parse(payload))
  } catch {
    return undefined
  }
}

const decode = Schema.decodeUnknownSync(Pressure)

/** How long a node's word counts at its senders, and how often it repeats it while mail still comes, in milliseconds. */
export const PRESSURE_MILLIS = 1_500
export const PRESSURE_AGAIN_MILLIS = 1_000
const ACTORS_MAX = 10_000

/** The actors that have too much mail, as last heard. */
export class Pressures {
  readonly #now: () => number
  readonly #until = new Map<string, { readonly waiting: number; readonly until: number }>()

  /** `now`: milliseconds by a clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now
  }

  heard({ actor, waiting, retry_after_ms }: Pressure): void {
    this.#until.delete(actor)
    this.#until.set(actor, { waiting, until: this.#now() + Math.min(retry_after_ms, PRESSURE_MILLIS) })
    if (this.#until.size > ACTORS_MAX) for (const oldest of this.#until.keys()) return void this.#until.delete(oldest)
  }

  /** How much waits for an actor, and for how many milliseconds nobody should send; nothing if all is well. */
  of(actor: string): { readonly waiting: number; readonly millis: number } | undefined {
    const pressed = this.#until.size === 0 ? undefined : this.#until.get(actor)
    if (pressed === undefined) return undefined
    const millis = pressed.until - this.#now()
    if (millis > 0) return { waiting: pressed.waiting, millis }
    this.#until.delete(actor)
    return undefined
  }
}

/** Says of crowded actors that they are, each no more often than it must. */
export class Announcer {
  readonly #now: () => number
  readonly #broadcast: (payload: string) => void
  readonly #said = new Map<string, number>()

  constructor(now: () => number, broadcast: (payload: string) => void) {
    this.#now = now
    this.#broadcast = broadcast
  }

  crowded(actor: string, waiting: number): void {
    const now = this.#now()
    if (now - (this.#said.get(actor) ?? Number.NEGATIVE_INFINITY) < PRESSURE_AGAIN_MILLIS) return
    if (this.#said.size > ACTORS_MAX) this.#said.clear()
    this.#said.set(actor, now)
    this.#broadcast(formatPressure({ actor, waiting, retry_after_ms: PRESSURE_MILLIS }))
  }
}
