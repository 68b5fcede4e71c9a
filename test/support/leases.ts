import { Effect, Layer, Schedule, Scope } from "effect"
import { type Announcement, Leases } from "../../runtime/index.ts"

/** What a node says of itself that serves actors without a role and has none. */
export const announcement = (said: Partial<Announcement> = {}): Announcement => ({
  labels: [],
  roles: ["any"],
  types: {},
  protocols: {},
  declines: [],
  log: "",
  done: {},
  since: 0,
  residents: 0,
  open: 0,
  ...said
})

/** Leases that whoever asks for gets and keeps, but for what a test says. Nobody sees anybody else. */
export const leasesOfOne = (changes: Partial<Leases["Service"]> = {}): Layer.Layer<Leases> =>
  Layer.succeed(Leases, {
    ttlMillis: 3_600_000,
    join: () => Effect.succeed(true),
    watch: (see) => Effect.sync(() => see({ nodes: new Map(), holders: new Map() })),
    acquire: () => Effect.succeed(true),
    renew: () => Effect.succeed(true),
    inherited: () => Effect.undefined,
    note: () => Effect.void,
    release: () => Effect.void,
    ...changes
  })

/** A node's name is alive until the scope closes: it joins, renews, and joins anew where it has lost its lease. */
export const stayAlive = (node: string) =>
  Effect.gen(function* () {
    const leases = yield* Leases
    const scope = yield* Effect.scope
    const join = leases.join(node, announcement()).pipe(Scope.provide(scope))
    yield* join
    const renew = leases.renew(node, announcement()).pipe(Effect.flatMap((held) => (held ? Effect.void : join)))
    yield* Effect.forkScoped(Effect.ignore(renew).pipe(Effect.repeat(Schedule.spaced(leases.ttlMillis / 3))))
  })
