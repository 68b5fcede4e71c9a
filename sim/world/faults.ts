import type { Call } from "../log/link.ts"
import type { Prng } from "./prng.ts"

/**
 * What can go wrong.
 *
 * - `unacked`: a call is served, and its answer lost. `lost`: it is never served. `late`: it is served after its caller gave up.
 * - `slow`: a call or its answer takes up to seconds. `duplicate`: mail is delivered a second time.
 * - `partition`: a process and the log do not reach one another. `full`: the log takes no more. `restart`: the server is
 *   away, and who waits for an answer gets none.
 * - `crash`: a node is killed, and started again later. `pause`: it is stopped, and goes on as if nothing had been, maybe
 *   after its lease ran out. `leave`: it is stopped in good order, and started again.
 * - `skew`: the clocks of the processes differ. `activity`: activities are slow, fail or hang.
 */
export const FAULT_KINDS = [
  "unacked",
  "lost",
  "late",
  "slow",
  "duplicate",
  "partition",
  "full",
  "restart",
  "crash",
  "pause",
  "leave",
  "skew",
  "activity"
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

const RATED = ["unacked", "lost", "late", "slow", "duplicate", "activity"] as const
type Rated = (typeof RATED)[number]
const EPISODIC = ["partition", "full", "restart", "crash", "pause", "leave"] as const
type Episodic = (typeof EPISODIC)[number]

/** Something that goes wrong from one time to another, in milliseconds since the beginning. */
export interface Episode {
  readonly kind: Episodic
  readonly at: number
  readonly millis: number
  /** Which of those that it can strike. */
  readonly target: number
}

/** All that will go wrong in a run. */
export interface FaultPlan {
  /** The probability for each call, pull or activity. */
  readonly rates: Readonly<Record<Rated, number>>
  readonly episodes: ReadonlyArray<Episode>
  /** Clocks differ by as much, in milliseconds. */
  readonly skewMillisMax: number
}

const RATES = [0.003, 0.01, 0.03, 0.1, 0.25]
const EPISODES_MAX = 3
const SKEW_MILLIS_MAX = 60_000
/** How long an episode may last, in milliseconds. */
const LASTS: Readonly<Record<Episodic, readonly [number, number]>> = {
  partition: [200, 12_000],
  full: [200, 8_000],
  restart: [20, 4_000],
  crash: [20, 10_000],
  pause: [50, 14_000],
  leave: [20, 6_000]
}

/** Draws a plan. Half of the kinds that are allowed are left out, others each time, so that none hides the rest. */
export const drawPlan = (random: Prng, allowed: ReadonlySet<FaultKind>, untilMillis: number): FaultPlan => {
  const chosen = new Set(FAULT_KINDS.filter((kind) => random.chance(0.5) && allowed.has(kind)))
  const rateOf = (kind: Rated) => {
    const rate = random.pick(RATES)
    return chosen.has(kind) ? rate : 0
  }
  const rates = {
    unacked: rateOf("unacked"),
    lost: rateOf("lost"),
    late: rateOf("late"),
    slow: rateOf("slow"),
    duplicate: rateOf("duplicate"),
    activity: rateOf("activity")
  }
  const episodes = EPISODIC.filter((kind) => chosen.has(kind)).flatMap((kind) => {
    const [shortest, longest] = LASTS[kind]
    return Array.from({ length: 1 + random.below(EPISODES_MAX) }, () => ({
      kind,
      at: random.between(0, untilMillis),
      // Short ones as often as long ones.
      millis: shortest * (longest / shortest) ** random.next(),
      target: random.below(1_000)
    }))
  })
  return { rates, episodes, skewMillisMax: chosen.has("skew") ? SKEW_MILLIS_MAX : 0 }
}

/** What becomes of one call: how long it takes to the server and back, in milliseconds; nothing if it is lost there. */
export interface Fate {
  readonly thereMillis: number | undefined
  readonly backMillis: number | undefined
}

const NEAR_MILLIS = 2
const SLOW_MILLIS = 1_500
const LATE_MILLIS = 10_000

/** Says what goes wrong with a call, for as long as anything does. */
export class Chance {
  readonly #random: Prng
  readonly #rates: FaultPlan["rates"]
  readonly #hit: (kind: FaultKind) => void
  #healed = false

  constructor(random: Prng, rates: FaultPlan["rates"], hit: (kind: FaultKind) => void) {
    this.#random = random
    this.#rates = rates
    this.#hit = hit
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#healed = true
  }

  strikes(kind: Rated): boolean {
    const struck = this.#random.chance(this.#rates[kind]) && !this.#healed
    if (struck) this.#hit(kind)
    return struck
  }

  /** `timeoutMillis`: when the caller gives up. */
  fateOf(call: Call, timeoutMillis: number): Fate {
    const thereMillis = this.delay()
    const backMillis = this.delay()
    if (call === "pull") return { thereMillis, backMillis }
    if (this.strikes("lost")) return { thereMillis: undefined, backMillis }
    if (this.strikes("unacked")) return { thereMillis, backMillis: undefined }
    if (this.strikes("late")) {
      return { thereMillis: timeoutMillis + this.#random.between(0, LATE_MILLIS), backMillis: undefined }
    }
    return { thereMillis, backMillis }
  }

  /** How long something is on its way. */
  delay(): number {
    const near = this.#random.next() ** 2 * NEAR_MILLIS
    return this.strikes("slow") ? near + this.#random.between(20, SLOW_MILLIS) : near
  }

  /** Any number below a bound. */
  below(bound: number): number {
    return this.#random.below(bound)
  }
}
