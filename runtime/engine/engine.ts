import { Clock, Duration, Effect, FiberSet, Schedule } from "effect"
import type { Actor } from "../actor.ts"
import type { Address } from "../address.ts"
import { Controls } from "../controls.ts"
import { elapsedBy } from "../elapsed.ts"
import type { Leases } from "../leases.ts"
import type { ActorLog } from "../log.ts"
import { Outbox } from "../outbox.ts"
import { Announcer } from "../pressure.ts"
import type { Activation } from "./actor/activation.ts"
import { ActivationCache } from "./actor/activation-cache.ts"
import type { Collaborators, DecisionRight, NodeClock } from "./actor/collaborators.ts"
import { type FlowControl, makeFlowControl } from "./actor/flow-control.ts"
import { TypeLimiters } from "./actor/type-limiter.ts"
import { Activities } from "./commit/activities.ts"
import { Committer } from "./commit/commit.ts"
import { NodeTimers, type NodeTimersHost } from "./commit/node-timers.ts"
import { Pausing } from "./quarantine/pausing.ts"
import { makeQuarantine } from "./quarantine/quarantine.ts"
import { Trials } from "./quarantine/trials.ts"
import { makeProbations, type Probations } from "./recovery/probations.ts"
import { RecoveryReader } from "./recovery/recovery-reader.ts"
import { watchDecisions } from "./recovery/watchdog.ts"
import type { Shard, ShardCollaborators } from "./shard/shard.ts"
import { makeMailMeter } from "./signals/mail-meter.ts"
import { type Gauges, type Meter, makeMeter } from "./signals/meter.ts"
import { MissedSnapshots } from "./signals/snapshots.ts"
import { makeTracing } from "./signals/tracing.ts"
import { compile } from "./step/compiled.ts"

export interface EngineOptions {
  /** The node's name, unique among the live nodes: letters, digits, dashes. */
  readonly name: string
  readonly actors: ReadonlyArray<Actor>
  /** How long an actor may do nothing before it is passivated; 15 seconds unless given. */
  readonly passivateAfter?: Duration.Input
  /** About how much memory actors may take before those used least recently are passivated, in bytes; 64 MiB unless given. */
  readonly memoryBytesMax?: number
  /** How often it is looked for actors to passivate; every 5 seconds unless given. */
  readonly sweepEvery?: Duration.Input
  /** How many activities the node runs at once; 256 unless given. */
  readonly activitiesMax?: number
  /**
   * How far an actor may be behind, in sequences of the log, before the mail of others is removed around its own; 1,000 unless
   * given.
   */
  readonly asideAfter?: number
  /**
   * How many timers of this node's actors that are due in one second are left to the log, which stores each firing by itself;
   * more than these the node fires in groups. 100 unless given.
   */
  readonly timersByLogMax?: number
  /**
   * How long one decision may take. One that takes longer ends the process, so that another one takes over; 30 seconds unless
   * given, and as long as it likes where it is infinite. It is told of on standard error from 2 seconds on.
   */
  readonly decisionMax?: Duration.Input
}

/** What a node knows before it has an engine. */
export interface EngineSurroundings {
  readonly log: ActorLog["Service"]
  readonly leases: Leases["Service"]
  /** Gives up a shard, because this process is too old for an actor in it; false if there is nobody else to have it. */
  readonly declining: { readonly decline: (shard: string) => boolean }
  readonly right: DecisionRight
  readonly watermarks: ShardCollaborators["watermarks"]
  readonly unserved: ShardCollaborators["unserved"]
}

/** What all shards of a node share. */
export interface Engine {
  /** What each shard works with. */
  readonly shards: ShardCollaborators
  readonly flow: FlowControl
  readonly meter: Meter
  /** Shards whose last owner ended without giving them back. */
  readonly probations: Probations
  /** Commits and sends for ever. */
  readonly run: Effect.Effect<unknown>
}

const PASSIVATE_AFTER = Duration.seconds(15)
const MEMORY_BYTES_MAX = 64 * 1024 * 1024
const ACTIVITIES_MAX = 256
const DECISION_MAX = Duration.seconds(30)
const TIMERS_BY_LOG_MAX = 100
const SWEEP_EVERY = Duration.seconds(5)

/** The committer, the activities and the reading of journals. What activities run is interrupted when the scope closes. */
export const makeEngine = Effect.fnUntraced(function* (surroundings: EngineSurroundings, options: EngineOptions) {
  const { log, leases, declining, right, watermarks, unserved } = surroundings
  const controls = yield* Controls
  const { now, nanos, clock, fork } = yield* makeTimes
  const served = new Set<Shard>()
  const flow = makeFlowControl(() => served.forEach((shard) => shard.shed()))
  const gauges = (): Gauges => gaugesOf(cache, flow.open(), activities.size, served.size)
  const meter: Meter = yield* makeMeter(options.name, gauges)
  const outbox = new Outbox(log)
  const committer = new Committer(log, meter, nanos)
  const activities = new Activities({ outbox, fork, max: options.activitiesMax ?? ACTIVITIES_MAX, meter, nanos })
  const limiter = new TypeLimiters(clock)
  const timers = makeTimers({ ...clock, fork, open: flow.open }, outbox, options)
  const trials = new Trials(clock.now)
  const pausing = new Pausing({ log, controls, trials, shards: served, later: clock.later, fork })
  const quarantine = makeQuarantine({ log, controls, declining, trials, pausing, now, later: clock.later, fork })
  const reader = new RecoveryReader<Activation>(log, { fork, later: clock.later, quarantine })
  const cache: ActivationCache<Activation> = makeCache(options, meter, clock, [reader, committer, activities, limiter])
  yield* pausing.follow
  const activations: Collaborators<Activation> = {
    limits: log.limits,
    clock,
    right,
    pauses: pausing,
    limiter,
    watchdog: watchDecisions(Duration.toMillis(Duration.fromInputUnsafe(options.decisionMax ?? DECISION_MAX))),
    reader,
    committer,
    quarantine,
    crowding: new Announcer(clock.now, log.broadcast),
    timing: timers,
    effects: { replies: log, timers, activities },
    snapshots: new MissedSnapshots(log, fork, now)
  }
  const engine: Engine = {
    shards: {
      activations,
      types: new Map(options.actors.map((actor) => [actor.type, compile(actor)])),
      watermarks,
      unserved,
      pausing,
      cache,
      served,
      timers,
      meter: makeMailMeter(meter, yield* makeTracing, now),
      flow
    },
    flow,
    meter,
    probations: makeProbations({ log, leases, controls, now, elapsed: clock.now, fork }),
    run: Effect.all([outbox.run, committer.run, sweep(cache, options)], { concurrency: "unbounded" })
  }
  return engine
})

const gaugesOf = ({ size, weight }: ActivationCache<Activation>, open: number, running: number, shards: number) => ({
  residents: size,
  residentBytes: weight,
  open,
  activitiesRunning: running,
  shards
})

const sweep = (cache: ActivationCache<Activation>, { sweepEvery = SWEEP_EVERY }: EngineOptions) =>
  Effect.repeat(
    Effect.sync(() => cache.sweep()),
    Schedule.spaced(sweepEvery)
  )

/** The clocks, and what happens later: for as long as the scope is open. */
const makeTimes = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const ours: NodeClock = {
    now: elapsedBy(clock),
    later: (millis, callback) => void fork(Effect.andThen(Effect.sleep(millis), Effect.sync(callback)))
  }
  return {
    now: () => clock.currentTimeMillisUnsafe(),
    nanos: () => clock.monotonicTimeNanosUnsafe(),
    clock: ours,
    fork
  }
})

const makeTimers = (
  host: Omit<NodeTimersHost, "send">,
  outbox: Outbox,
  { timersByLogMax = TIMERS_BY_LOG_MAX }: EngineOptions
): NodeTimers => {
  const send = (to: Address, payload: string) => outbox.send({ kind: "mail", to, payload })
  return new NodeTimers({ ...host, send }, timersByLogMax)
}

const makeCache = (
  { passivateAfter = PASSIVATE_AFTER, memoryBytesMax = MEMORY_BYTES_MAX }: EngineOptions,
  { counts }: Meter,
  { now }: NodeClock,
  users: ReadonlyArray<{ readonly forget: (activation: Activation) => void }>
) => {
  const idleMillisMax = Duration.toMillis(Duration.fromInputUnsafe(passivateAfter))
  return new ActivationCache<Activation>({ now, idleMillisMax, memoryBytesMax, counts, users })
}
