import { type Context, Effect, Metric, Struct } from "effect"

/** What a node has done since it started. Counted in plain numbers, so that it costs nothing where nobody looks. */
export interface Counts {
  /** Messages whose effects are stored, or that had none. */
  messages: number
  /** Atomic groups stored; records, other entries and characters in them. */
  commits: number
  records: number
  entries: number
  characters: number
  /** Groups that were not stored: overtaken by another owner, refused for good, or delayed because the log was full or away. */
  fenced: number
  refused: number
  delayed: number
  /** Messages put among the dead letters. */
  parked: number
  activations: number
  passivations: number
  activitiesSucceeded: number
  activitiesFailed: number
  leaseRenewals: number
  leasesLost: number
}

/** What is so at this moment. */
export interface Gauges {
  /** Actors in memory, and about how many bytes they take. */
  readonly residents: number
  readonly residentBytes: number
  /** Messages delivered and not done. */
  readonly open: number
  readonly activitiesRunning: number
  readonly shards: number
}

/** A node's measurements. */
export interface Meter {
  readonly counts: Counts
  /** Seconds from sending a group to the log until it is stored. */
  readonly committed: (seconds: number) => void
  /** Seconds from when a message was stored until its effects were; of some messages. */
  readonly waited: (seconds: number) => void
  /** Seconds that an activity took, with its retries. */
  readonly activityRan: (seconds: number) => void
}

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

const COUNTERS: { readonly [K in keyof Counts]: readonly [name: string, description: string] } = {
  messages: ["conclave_messages_total", "Messages whose effects are stored, or that had none"],
  commits: ["conclave_commits_total", "Atomic groups stored"],
  records: ["conclave_commit_records_total", "Journal records stored"],
  entries: ["conclave_commit_entries_total", "Entries stored with the journal records, and those themselves"],
  characters: ["conclave_commit_characters_total", "Characters of payloads stored by commits"],
  fenced: ["conclave_commits_fenced_total", "Commits refused because another owner had written to the journal"],
  refused: ["conclave_commits_refused_total", "Commits that the log refused for good"],
  delayed: ["conclave_commits_delayed_total", "Commits delayed because the log was full or did not answer"],
  parked: ["conclave_messages_parked_total", "Messages put among the dead letters"],
  activations: ["conclave_activations_total", "Actors activated"],
  passivations: ["conclave_passivations_total", "Actors passivated"],
  activitiesSucceeded: ["conclave_activities_succeeded_total", "Activities that succeeded"],
  activitiesFailed: ["conclave_activities_failed_total", "Activities that failed for good"],
  leaseRenewals: ["conclave_lease_renewals_total", "Renewals of the node's lease"],
  leasesLost: ["conclave_leases_lost_total", "Times that the node's lease had run out"]
}

const GAUGES: { readonly [K in keyof Gauges]: readonly [name: string, description: string] } = {
  residents: ["conclave_resident_actors", "Actors in memory"],
  residentBytes: ["conclave_resident_bytes", "About how many bytes the actors in memory take"],
  open: ["conclave_open_messages", "Messages delivered and not done"],
  activitiesRunning: ["conclave_activities_running", "Activities under way or waiting for their turn"],
  shards: ["conclave_shards", "Shards that the node serves"]
}

export const noCounts = (): Counts => ({
  messages: 0,
  commits: 0,
  records: 0,
  entries: 0,
  characters: 0,
  fenced: 0,
  refused: 0,
  delayed: 0,
  parked: 0,
  activations: 0,
  passivations: 0,
  activitiesSucceeded: 0,
  activitiesFailed: 0,
  leaseRenewals: 0,
  leasesLost: 0
})

/** Shows a node's measurements as metrics with its name, until the scope closes. They are read only when somebody asks. */
export const makeMeter = Effect.fnUntraced(function* (node: string, gauges: () => Gauges) {
  const counts = noCounts()
  const context: Context.Context<never> = yield* Effect.context<never>()
  const attributes = { node }
  const ignore = { update: () => {}, modify: () => {} }
  const registrations = [
    ...Struct.keys(COUNTERS).map((key) => {
      const [name, description] = COUNTERS[key]
      const metric = Metric.counter(name, { description, incremental: true, attributes })
      return Metric.registerUnsafe(metric, context, {
        ...ignore,
        get: () => ({ count: counts[key], incremental: true })
      })
    }),
    ...Struct.keys(GAUGES).map((key) => {
      const [name, description] = GAUGES[key]
      const metric = Metric.gauge(name, { description, attributes })
      return Metric.registerUnsafe(metric, context, { ...ignore, get: () => ({ value: gauges()[key] }) })
    })
  ]
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const registration of registrations) registration.remove()
    })
  )
  const histogram = (name: string, description: string) => {
    const metric = Metric.histogram(name, { description, boundaries: SECONDS, attributes })
    return (seconds: number) => metric.updateUnsafe(seconds, context)
  }
  const meter: Meter = {
    counts,
    committed: histogram("conclave_commit_seconds", "From sending a group to the log until it is stored"),
    waited: histogram("conclave_message_seconds", "From when a message was stored until its effects were"),
    activityRan: histogram("conclave_activity_seconds", "How long activities took, with their retries")
  }
  return meter
})
