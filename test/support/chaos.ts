// Three node processes on a cluster of three nats-servers, under load, while one thing after the other goes wrong; and
// whether, when all is well again, everything that was accepted happened exactly once.
import { Clock, type Context, Effect, Fiber, Layer, Schedule, type Scope } from "effect"
import type { Actors } from "../../runtime/index.ts"
import { layerNatsClient, layerNatsOutside } from "../../runtime/nats/index.ts"
import { type Faults, makeFaults, seeded } from "./chaos-faults.ts"
import {
  CHAOS_REPLICAS,
  CHAOS_SHARDS,
  complaintsOf,
  isSettled,
  type Load,
  makeLoad,
  readOutcome,
  type Totals
} from "./chaos-load.ts"
import { manage } from "./manage.ts"
import { natsCluster } from "./nats-cluster.ts"
import { natsProxy } from "./nats-proxy.ts"

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly say: (line: string) => Effect.Effect<void>
  /** Whether who sends may not touch the stream, and has nodes store it. */
  readonly outside?: boolean
}

export interface Verdict {
  readonly totals: Totals
  readonly faults: Faults["counts"]
  /** What is not as it must be; none if all is well. */
  readonly complaints: ReadonlyArray<string>
}

const NAMESPACE = "chaos"
const PROGRESS_EVERY = "5 seconds"
const SETTLE = "90 seconds"

/** Runs it for so many seconds. It takes up to two minutes longer, until everything has come to rest. */
export const runChaos = (options: ChaosOptions): Effect.Effect<Verdict, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const { say } = options
    const started = yield* Clock.currentTimeMillis
    const timed = (line: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        say(`${((now - started) / 1_000).toFixed(1).padStart(6)} s  ${line}`)
      )
    yield* timed(`seed ${options.seed}, ${options.seconds} s`)
    const cluster = yield* natsCluster
    const ways = yield* Effect.forEach(cluster.servers, ({ port }) => natsProxy(port))
    const url = ways.map((way) => way.url).join(",")
    const senders = { url, namespace: NAMESPACE, name: "senders" }
    const client: Context.Context<Actors> =
      options.outside === true
        ? yield* Layer.build(layerNatsOutside(senders))
        : yield* Layer.build(layerNatsClient({ ...senders, shards: CHAOS_SHARDS, replicas: CHAOS_REPLICAS }))
    const faults = yield* makeFaults({
      cluster,
      ways,
      url,
      namespace: NAMESPACE,
      random: seeded(options.seed),
      say: timed
    })
    const load = makeLoad(seeded(options.seed + 1))
    const progress = Effect.suspend(() => timed(show(load, faults)))
    const reporting = yield* Effect.forkChild(Effect.repeat(progress, Schedule.spaced(PROGRESS_EVERY)))

    const deadline = (yield* Clock.currentTimeMillis) + options.seconds * 1_000
    let stopped = false
    const breaking = Effect.gen(function* () {
      while ((yield* Clock.currentTimeMillis) < deadline) yield* faults.next
      stopped = true
      yield* timed("all is well again: waiting for what is on its way")
    })
    yield* Effect.all([breaking, load.run(() => stopped)], { concurrency: 2 }).pipe(Effect.provide(client))
    const outcome = yield* readOutcome.pipe(
      Effect.repeat({
        until: isSettled,
        schedule: Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: SETTLE }))
      }),
      Effect.andThen(readOutcome),
      Effect.provide(client),
      Effect.result
    )
    yield* Fiber.interrupt(reporting)
    const complaints =
      outcome._tag === "Success"
        ? complaintsOf(load.sent, outcome.success)
        : [`all is well, and yet it does not come to rest: ${outcome.failure.message}`]
    yield* timed(show(load, faults))
    if (complaints.length > 0) {
      for (const output of faults.outputs()) yield* say(`--- a node said:\n${output.split("\n").slice(-60).join("\n")}`)
      yield* say(`--- leases:\n${(yield* leasesOf(cluster.url)).join("\n")}`)
    }
    return { totals: load.totals, faults: faults.counts, complaints }
  })

/** Who holds what, as the cluster has it. */
const leasesOf = (url: string): Effect.Effect<ReadonlyArray<string>> =>
  manage(url, async (manager) => {
    const bucket = `KV_${NAMESPACE.toUpperCase()}_LEASES`
    const { state } = await manager.streams.info(bucket, { subjects_filter: ">" })
    const lines = []
    for (const subject of Object.keys(state.subjects ?? {}).toSorted()) {
      const last = await manager.streams.getMessage(bucket, { last_by_subj: subject })
      if (last === null) continue
      const how = `${last.header.get("Nats-TTL")} ${last.header.get("KV-Operation")} ${last.header.get("Nats-Marker-Reason")}`
      lines.push(`${subject} ${last.seq} ${last.timestamp} ${last.string()} ${how}`)
    }
    return [new Date().toISOString(), ...lines]
  })

const show = ({ totals }: Load, { counts }: Faults): string => {
  const happened = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`)
  return `accepted ${totals.accepted} (answered ${totals.answered}), unknown ${totals.unknown}; ${happened.join(", ")}`
}
