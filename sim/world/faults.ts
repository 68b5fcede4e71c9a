/**
 * What can go wrong.
 *
 * - `unacked`: a call is served, and its answer lost. `lost`: it is never served. `late`: it is served after its caller gave
 *   up, and so may be refused late.
 * - `slow`: a call or its answer takes up to seconds. `duplicate`: mail is delivered a second time.
 * - `partition`: a process and the server do not reach one another. `lapse`: a process does not reach the leases, and the log it
 *   does. `full`: the log takes no more. `restart`: the server is
 *   away, and who waits for an answer gets none.
 * - `crash`: a node is killed, and started again later. `pause`: it is stopped, and goes on as if nothing had been, maybe
 *   after its lease ran out. `leave`: it is stopped in good order, and started again.
 * - `skew`: the clocks of the processes differ. `jump`: the clock of a node is set forward or back.
 * - `activity`: activities are slow, fail or hang.
 */
export const FAULT_KINDS = [
  "unacked",
  "lost",
  "late",
  "slow",
  "duplicate",
  "partition",
  "lapse",
  "full",
  "restart",
  "crash",
  "pause",
  "leave",
  "skew",
  "jump",
  "activity"
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** Those that strike each call, delivery or activity with a probability. */
export const RATED = ["unacked", "lost", "late", "slow", "duplicate", "activity"] as const
export type Rated = (typeof RATED)[number]
/** Those that strike at a time, so many of them in a run. */
export const EPISODIC = ["partition", "lapse", "full", "restart", "crash", "pause", "leave", "jump"] as const
export type Episodic = (typeof EPISODIC)[number]

/**
 * What may go wrong, and at what rate: the probability in [0, 1] of the rated kinds, how many in a run of the episodic ones,
 * and by how many milliseconds clocks differ at most. A kind without a rate is left out of half of the runs, and has
 * another rate in each of the others, so that none hides the rest.
 */
export type Faults = ReadonlyMap<FaultKind, number | undefined>

/** All kinds, at rates of their own in each run. */
export const ALL_FAULTS: Faults = new Map(FAULT_KINDS.map((kind) => [kind, undefined]))
export const NO_FAULTS: Faults = new Map()

/** Some kinds, each at a rate that is drawn. */
export const faultsOf = (kinds: Iterable<FaultKind>): Faults => new Map(Array.from(kinds, (kind) => [kind, undefined]))

/** Reads `all`, `none`, or a list such as `crash,slow=0.2,leave=5`. Gives the reason where it cannot. */
export const parseFaults = (text: string): Faults | string => {
  if (text === "all") return ALL_FAULTS
  if (text === "none") return NO_FAULTS
  const faults = new Map<FaultKind, number | undefined>()
  for (const part of text.split(",")) {
    const [name, rate] = part.split("=")
    const kind = FAULT_KINDS.find((each) => each === name)
    if (kind === undefined) return `there is no fault ${JSON.stringify(name)}: there are ${FAULT_KINDS.join(", ")}`
    const value = rate === undefined ? undefined : rate.trim() === "" ? Number.NaN : Number(rate)
    const wrong = faultRateFault(kind, value)
    if (wrong !== undefined) return wrong
    faults.set(kind, value)
  }
  return faults
}

const EPISODES_MAX = 1_000

/** What is wrong with a kind or its rate, if anything is. */
export const faultRateFault = (kind: FaultKind, rate: number | undefined): string | undefined => {
  if (!FAULT_KINDS.includes(kind))
    return `there is no fault ${JSON.stringify(kind)}: there are ${FAULT_KINDS.join(", ")}`
  if (rate === undefined) return undefined
  if (RATED.some((each) => each === kind)) {
    return rate >= 0 && rate <= 1 ? undefined : `the rate of ${kind} is a probability between 0 and 1`
  }
  const whole = Number.isInteger(rate) && rate >= 0
  if (kind === "skew") return whole ? undefined : "the rate of skew is a whole number of milliseconds"
  return whole && rate <= EPISODES_MAX
    ? undefined
    : `the rate of ${kind} is how many there are in a run: a whole number`
}

/** As `parseFaults` reads it. */
export const formatFaults = (faults: Faults): string => {
  const drawn = [...faults.values()].every((rate) => rate === undefined)
  if (drawn && faults.size === FAULT_KINDS.length) return "all"
  return Array.from(faults, ([kind, rate]) => (rate === undefined ? kind : `${kind}=${rate}`)).join(",") || "none"
}
