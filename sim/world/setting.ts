import fc from "fast-check"
import type { Rates } from "./chance.ts"
import { EPISODIC, type Episodic, type Faults, type Rated } from "./faults.ts"

/** Something that goes wrong from one time to another, in milliseconds since the beginning. */
export interface Episode {
  readonly kind: Episodic
  readonly at: number
  readonly millis: number
  /** Which of those that it can strike. */
  readonly target: number
}

/** A place for a node: who is started there again has its old name, or a new one. */
export interface Place {
  readonly keepsName: boolean
  /** Which actor type its nodes do not have, counted from 1; 0 where they have all. */
  readonly lacks: number
}

/** Where a run takes place, and all that will go wrong in it: plain data, so that a run that fails can be made smaller. */
export interface WorldSetting {
  readonly places: ReadonlyArray<Place>
  readonly passivateMillis: number
  readonly sweepMillis: number
  /** How much memory the actors of a node may take, in bytes. */
  readonly memoryBytes: number
  /** How far an actor may be behind before mail is removed around its own, in sequences. */
  readonly asideAfter: number
  readonly rates: Rates
  readonly episodes: ReadonlyArray<Episode>
  /** Clocks differ by as much, in milliseconds. */
  readonly skewMillis: number
  /** How many timers that are due in one second a node leaves to the log. */
  readonly timersByLog: number
}

/** How long faults strike and clients work, in milliseconds. */
export const ACTIVE_MILLIS = 20_000

const RATES = [0.003, 0.01, 0.03, 0.1, 0.25]
const EPISODES_MAX = 3
const NODES_MAX = 4
const SKEW_MILLIS_MAX = 60_000
const JUMP_MILLIS_MAX = 3_600_000
const TARGETS = 1_000
const TYPES = 3
const MEGABYTE = 1_048_576
/** How long an episode may last, in milliseconds. A clock is set by as much. */
const LASTS: Readonly<Record<Episodic, readonly [number, number]>> = {
  partition: [200, 12_000],
  lapse: [1_000, 15_000],
  full: [200, 8_000],
  restart: [20, 4_000],
  crash: [20, 10_000],
  pause: [200, 20_000],
  leave: [20, 6_000],
  jump: [10, JUMP_MILLIS_MAX]
}

/** Settings in which these faults strike. */
export const settings = (faults: Faults): fc.Arbitrary<WorldSetting> =>
  fc.record({
    places: fc.array(
      fc.record({
        keepsName: fc.boolean(),
        lacks: fc.oneof({ withCrossShrink: true }, fc.constant(0), fc.constant(0), fc.nat(TYPES))
      }),
      { minLength: 1, maxLength: NODES_MAX, size: "max" }
    ),
    passivateMillis: fc.constantFrom(15_000, 1_000, 0),
    sweepMillis: fc.constantFrom(5_000, 500),
    memoryBytes: fc.constantFrom(64 * MEGABYTE, 64 * MEGABYTE, 1),
    asideAfter: fc.constantFrom(1_000, 10, 1),
    rates: fc.record({
      unacked: rate(faults, "unacked"),
      lost: rate(faults, "lost"),
      late: rate(faults, "late"),
      slow: rate(faults, "slow"),
      duplicate: rate(faults, "duplicate"),
      activity: rate(faults, "activity")
    }),
    episodes: fc.tuple(...EPISODIC.map((kind) => episodes(faults, kind))).map((each) => each.flat()),
    skewMillis: given(faults, "skew", (millis) => fc.constant(millis), fc.constant(SKEW_MILLIS_MAX), 0),
    timersByLog: fc.constantFrom(100, 1, 0)
  })

const rate = (faults: Faults, kind: Rated): fc.Arbitrary<number> =>
  given(faults, kind, (probability) => fc.constant(probability), fc.constantFrom(...RATES), 0)

const episodes = (faults: Faults, kind: Episodic): fc.Arbitrary<ReadonlyArray<Episode>> => {
  const [shortest, longest] = LASTS[kind]
  const episode = fc.record({
    kind: fc.constant(kind),
    at: fc.nat(ACTIVE_MILLIS - 1),
    // Short ones as often as long ones.
    millis: fc.nat(1_000).map((part) => Math.round(shortest * (longest / shortest) ** (part / 1_000))),
    target: fc.nat(TARGETS - 1)
  })
  const exactly = (count: number) => fc.array(episode, { minLength: count, maxLength: count, size: "max" })
  const some = fc.array(episode, { minLength: 1, maxLength: EPISODES_MAX, size: "max" })
  return given(faults, kind, exactly, some, [])
}

/** At the rate that is given; at one that is drawn, in half of the runs; or not at all. */
const given = <A>(
  faults: Faults,
  kind: Parameters<Faults["get"]>[0],
  fixed: (rate: number) => fc.Arbitrary<A>,
  drawn: fc.Arbitrary<A>,
  none: A
): fc.Arbitrary<A> => {
  const asked = faults.get(kind)
  if (asked !== undefined) return fixed(asked)
  if (!faults.has(kind)) return fc.constant(none)
  return fc.oneof({ withCrossShrink: true }, fc.constant(none), drawn)
}
