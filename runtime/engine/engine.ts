import { Clock, Duration, Effect, FiberSet, Latch } from "effect"
import type { Actor } from "../actor.ts"
import { formatAddress, shardOf } from "../address.ts"
import { Controls, type Pauses } from "../controls.ts"
import type { NewerVersion } from "../errors.ts"
import type { ActorLog } from "../log.ts"
import { Outbox } from "../outbox.ts"
import { Announcer } from "../pressure.ts"
import type { Activation } from "./activation.ts"
import { Activities } from "./activities.ts"
import { Committer } from "./commit.ts"
import { type Compiled, compile, unknownType } from "./compiled.ts"
import { Gates } from "./gate.ts"
import { Loads } from "./loads.ts"
import { Residents } from "./residents.ts"
import type { Shard, ShardHost } from "./shard.ts"
import { pauseUnrecoverable } from "./unrecoverable.ts"

export interface EngineOptions {
  readonly actors: ReadonlyArray<Actor>
  /** How long an actor may do nothing before it is passivated; 15 seconds unless given. */
  readonly passivateAfter?: Duration.Input
  /** About how much memory actors may take before those used least recently are passivated, in bytes; 64 MiB unless given. */
  readonly memoryBytesMax?: number
  /** How many activities the node runs at once; 256 unless given. */
  readonly activitiesMax?: number
}

/** What all shards of a node share. */
export interface Engine extends Omit<ShardHost, "activationHost"> {
  readonly activationHost: Omit<ShardHost["activationHost"], "mayDecide">
  readonly residents: Residents
  /** How many messages are delivered and not done. */
  readonly open: () => number
  /** Waits while too much is delivered and not done; nothing to wait for otherwise. */
  readonly room: () => Effect.Effect<void> | undefined
  /** Commits and sends for ever. */
  readonly run: Effect.Effect<unknown>
}

/** Messages that are delivered and not done: at the upper limit no more is read, until the lower is reached. */
const OPEN_MAX = 20_000
const OPEN_RESUME = 10_000
const PASSIVATE_AFTER = Duration.seconds(15)
const MEMORY_BYTES_MAX = 64 * 1024 * 1024
const ACTIVITIES_MAX = 256
/** When an actor is tried again that could not be given to another node, or not be paused. */
const REOPEN_MILLIS = 10_000

/**
 * The committer, the activities and the reading of journals. What activities run is interrupted when the scope closes.
 *
 * `decline` gives up a shard, because this process is too old for an actor in it; false if there is nobody else to have it.
 */
export const makeEngine = Effect.fnUntraced(function* (
  log: ActorLog["Service"],
  options: EngineOptions,
  decline: (shard: string) => boolean
) {
  const controls = yield* Controls
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const later = (millis: number, callback: () => void) =>
    void fork(Effect.andThen(Effect.sleep(millis), Effect.sync(callback)))
  const outbox = new Outbox(log)
  const committer = new Committer(log)
  const types = makeTypes(options.actors)
  const activities = new Activities({ outbox, fork, max: options.activitiesMax ?? ACTIVITIES_MAX })
  const announcer = new Announcer(now, log.broadcast)
  const gates = new Gates({ now, later })
  const room = makeRoom()
  const shards = new Set<Shard>()
  let pauses: Pauses | undefined

  const tooOld = (activation: Activation, error: NewerVersion) =>
    later(0, () => {
      if (activation.isShut) return
      activation.shut()
      if (!decline(shardOf(activation.address, log.shards))) later(REOPEN_MILLIS, () => activation.reopen())
      const actor = formatAddress(activation.address)
      fork(Effect.logWarning("an actor is left to a newer node", { actor, reason: error.message }))
    })
  const giveUp = (activation: Activation, cause: unknown) =>
    later(0, () => {
      if (activation.isShut) return
      activation.shut()
      fork(
        pauseUnrecoverable(log, controls, activation.address, messageOf(cause), now()).pipe(
          Effect.catch((error) =>
            Effect.logError("an actor that cannot go on could not be paused", { reason: error.message }).pipe(
              Effect.andThen(Effect.sync(() => later(REOPEN_MILLIS, () => activation.reopen())))
            )
          )
        )
      )
    })
  const loads = new Loads(log, { fork, tooOld, giveUp })
  const residents = new Residents({
    now,
    idleMillisMax: Duration.toMillis(Duration.fromInputUnsafe(options.passivateAfter ?? PASSIVATE_AFTER)),
    memoryBytesMax: options.memoryBytesMax ?? MEMORY_BYTES_MAX,
    forget: (activation) => {
      loads.cancel(activation)
      committer.remove(activation)
      activities.stopAll(activation)
      gates.forget(activation)
    }
  })
  yield* controls.watch((latest) => {
    pauses = latest
    for (const shard of shards) shard.review()
  })
  const engine: Engine = {
    compiledOf: (type, shard) => types.known(type) ?? (decline(shard) ? undefined : types.unknown(type)),
    activationHost: {
      limits: log.limits,
      now,
      later,
      paused: (address) => pauses !== undefined && pauses.all.length > 0 && pauses.of(address) !== undefined,
      admit: (activation) => gates.admit(activation),
      rested: (activation) => gates.rested(activation),
      load: (activation) => loads.journal(activation),
      readMail: (activation, from) => loads.mail(activation, from),
      ready: (activation) => committer.add(activation),
      crowded: ({ address }, waiting) => announcer.crowded(formatAddress(address), waiting),
      tooOld,
      giveUp,
      answer: ({ inbox, payload }) => log.answer(inbox, payload),
      startActivity: (activation, key) => activities.start(activation, key),
      stopActivity: (activation, key) => activities.stop(activation, key)
    },
    residents,
    serving: (shard) => shards.add(shard),
    left: (shard) => shards.delete(shard),
    ...room,
    run: Effect.all([outbox.run, committer.run], { concurrency: "unbounded" })
  }
  return engine
})

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const makeTypes = (actors: ReadonlyArray<Actor>) => {
  const compiled = new Map<string, Compiled>(actors.map((actor) => [actor.type, compile(actor)]))
  const unknown = new Map<string, Compiled>()
  return {
    known: (type: string) => compiled.get(type),
    /** Makes do with a type that nobody has: every message is refused, and so parked with the reason. */
    unknown: (type: string): Compiled => {
      let found = unknown.get(type)
      if (found === undefined) {
        found = unknownType(type)
        unknown.set(type, found)
      }
      return found
    }
  }
}

/** Counts what is delivered and not done, and holds back what would be delivered beyond the limit. */
const makeRoom = () => {
  const latch = Latch.makeUnsafe(true)
  let open = 0
  return {
    open: () => open,
    opened: (count: number) => {
      open += count
      if (open >= OPEN_MAX) latch.closeUnsafe()
    },
    closed: (count: number) => {
      open -= count
      if (open <= OPEN_RESUME) latch.openUnsafe()
    },
    room: () => (open >= OPEN_MAX ? latch.await : undefined)
  }
}
