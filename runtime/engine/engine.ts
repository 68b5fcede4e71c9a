import { Clock, Duration, Effect, FiberSet, Schedule } from "effect"
import type { Actor } from "../actor.ts"
import { type Address, formatAddress } from "../address.ts"
import { Controls } from "../controls.ts"
import { elapsedBy } from "../elapsed.ts"
import type { Leases } from "../leases.ts"
import type { ActorLog, Mail } from "../log.ts"
import { Outbox } from "../outbox.ts"
import { Announcer } from "../pressure.ts"
import type { Activation } from "./actor/activation.ts"
import { ActivationCache } from "./actor/activation-cache.ts"
import { makeFlowControl } from "./actor/flow-control.ts"
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
import type { Shard, ShardHost } from "./shard/shard.ts"
import { type Gauges, type Meter, makeMeter } from "./signals/meter.ts"
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

/** What all shards of a node share. */
export interface Engine extends Omit<ShardHost, "activationHost" | "doneInLane" | "unknown"> {
  readonly activationHost: Omit<ShardHost["activationHost"], "mayDecide">
  readonly residents: ActivationCache<Activation>
  readonly meter: Meter
  /** How many messages are delivered and not done. */
  readonly open: () => number
  /** Waits while too much is delivered and not done; nothing to wait for otherwise. */
  readonly room: () => Effect.Effect<void> | undefined
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
/** How long a message waited is measured of one in so many. */
const WAITS_SAMPLED = 16
const SWEEP_EVERY = Duration.seconds(5)

/**
 * The committer, the activities and the reading of journals. What activities run is interrupted when the scope closes.
 *
 * `decline` gives up a shard, because this process is too old for an actor in it; false if there is nobody else to have it.
 */
export const makeEngine = Effect.fnUntraced(function* (
  log: ActorLog["Service"],
  leases: Leases["Service"],
  options: EngineOptions,
  decline: (shard: string) => boolean
) {
  const controls = yield* Controls
  const { now, nanos, elapsed, fork, later } = yield* makeTimes
  const meter = yield* makeMeter(options.name, () => gaugesOf(residents, room.open(), activities.size, shards.size))
  const traced = yield* makeTracing
  const outbox = new Outbox(log)
  const committer = new Committer(log, meter, nanos)
  const types = new Map(options.actors.map((actor) => [actor.type, compile(actor)]))
  const activities = new Activities({ outbox, fork, max: options.activitiesMax ?? ACTIVITIES_MAX, meter, nanos })
  const announcer = new Announcer(elapsed, log.broadcast)
  const gates = new TypeLimiters({ now: elapsed, later })
  const due = makeDue({ now: elapsed, later, fork, open: () => room.open() }, outbox, options)
  const shards = new Set<Shard>()
  const room = makeFlowControl(() => shards.forEach((shard) => shard.shed()))
  const trials = new Trials(elapsed)
  const pausing = new Pausing({ log, controls, trials, shards, later, fork })
  const setbacks = makeQuarantine({ log, controls, decline, trials, pausing, now, later, fork })
  const loads = new RecoveryReader<Activation>(log, { fork, later, ...setbacks })
  const forget = (activation: Activation) =>
    [loads, committer, activities, gates].forEach((part) => part.forget(activation))
  const residents = makeResidents(options, meter, elapsed, forget)
  yield* pausing.follow
  const engine: Engine = {
    compiledOf: (type) => types.get(type),
    activationHost: {
      limits: log.limits,
      now: elapsed,
      later,
      paused: (address) => pausing.causeOf(address) !== undefined,
      admit: (activation) => gates.admit(activation),
      deciding: watched(options),
      decided: (activation) => gates.spend(activation),
      rested: (activation) => gates.rested(activation),
      load: (activation) => loads.journal(activation),
      readMail: (activation, from) => loads.mail(activation, from),
      ready: (activation) => committer.add(activation),
      crowded: ({ address }, waiting) => announcer.crowded(formatAddress(address), waiting),
      ...setbacks,
      answer: ({ inbox, payload }) => log.answer(inbox, payload),
      timing: due,
      timerStored: ({ address }, name, timer) => due.stored(address, name, timer),
      startActivity: (activation, key) => activities.start(activation, key),
      stopActivity: (activation, key) => activities.stop(activation, key)
    },
    residents,
    meter,
    processed: (mail) => {
      pausing.went(mail.to)
      count(meter, mail, now())
      traced?.(mail, now())
    },
    halted: (mail) => pausing.tell(mail),
    met: (mail) => due.met(mail),
    serving: (shard) => shards.add(shard),
    left: (shard) => shards.delete(shard),
    ...room,
    probations: makeProbations({ log, leases, controls, now, elapsed, fork }),
    run: Effect.all([outbox.run, committer.run, sweep(residents, options)], { concurrency: "unbounded" })
  }
  return engine
})

const gaugesOf = (
  { size, weight }: ActivationCache<Activation>,
  open: number,
  running: number,
  shards: number
): Gauges => ({
  residents: size,
  residentBytes: weight,
  open,
  activitiesRunning: running,
  shards
})

const count = (meter: Meter, { sequence, time }: Mail, now: number): void => {
  meter.counts.messages++
  if (sequence % WAITS_SAMPLED === 0) meter.waited((now - time) / 1_000)
}

/** What an author wrote runs under the eyes of the watchdog. */
const watched = ({ decisionMax = DECISION_MAX }: EngineOptions): Engine["activationHost"]["deciding"] => {
  const watchdog = watchDecisions(Duration.toMillis(Duration.fromInputUnsafe(decisionMax)))
  return ({ address }, mail, run) => {
    watchdog.begin(formatAddress(address), mail?.sequence ?? 0)
    try {
      return run()
    } finally {
      watchdog.end()
    }
  }
}

const sweep = (residents: ActivationCache<Activation>, { sweepEvery = SWEEP_EVERY }: EngineOptions) =>
  Effect.repeat(
    Effect.sync(() => residents.sweep()),
    Schedule.spaced(sweepEvery)
  )

/** The clock, and what happens later: for as long as the scope is open. */
const makeTimes = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  return {
    now: () => clock.currentTimeMillisUnsafe(),
    nanos: () => clock.monotonicTimeNanosUnsafe(),
    elapsed: elapsedBy(clock),
    fork,
    later: (millis: number, callback: () => void) =>
      void fork(Effect.andThen(Effect.sleep(millis), Effect.sync(callback)))
  }
})

const makeDue = (
  host: Omit<NodeTimersHost, "send">,
  outbox: Outbox,
  { timersByLogMax = TIMERS_BY_LOG_MAX }: EngineOptions
): NodeTimers => {
  const send = (to: Address, payload: string) => outbox.send({ kind: "mail", to, payload })
  return new NodeTimers({ ...host, send }, timersByLogMax)
}

const makeResidents = (
  { passivateAfter = PASSIVATE_AFTER, memoryBytesMax = MEMORY_BYTES_MAX }: EngineOptions,
  { counts }: Meter,
  now: () => number,
  forget: (activation: Activation) => void
) => {
  const idleMillisMax = Duration.toMillis(Duration.fromInputUnsafe(passivateAfter))
  return new ActivationCache<Activation>({ now, idleMillisMax, memoryBytesMax, counts, forget })
}
