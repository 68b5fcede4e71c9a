import { Effect, FiberSet, Latch } from "effect"
import type { Actor } from "../actor.ts"
import type { ActorLog } from "../log.ts"
import { Outbox } from "../outbox.ts"
import { Activities } from "./activities.ts"
import { Committer } from "./commit.ts"
import { type Compiled, compile, unknownType } from "./compiled.ts"
import { Loads } from "./loads.ts"
import type { ShardHost } from "./shard.ts"

/** What all shards of a node share. */
export interface Engine extends Omit<ShardHost, "activationHost"> {
  readonly activationHost: Omit<ShardHost["activationHost"], "mayDecide">
  /** Waits while too much is delivered and not done; nothing to wait for otherwise. */
  readonly room: () => Effect.Effect<void> | undefined
  /** Commits and sends for ever. */
  readonly run: Effect.Effect<unknown>
}

/** Messages that are delivered and not done: at the upper limit no more is read, until the lower is reached. */
const OPEN_MAX = 20_000
const OPEN_RESUME = 10_000

/** The committer, the activities and the reading of journals. What activities run is interrupted when the scope closes. */
export const makeEngine = Effect.fnUntraced(function* (log: ActorLog["Service"], actors: ReadonlyArray<Actor>) {
  const compiled = new Map<string, Compiled>(actors.map((actor) => [actor.type, compile(actor)]))
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const outbox = new Outbox(log)
  const committer = new Committer(log)
  const activities = new Activities({ outbox, fork: (effect) => fork(effect) })
  const loads = new Loads(log, fork)
  const room = Latch.makeUnsafe(true)
  let open = 0
  const engine: Engine = {
    compiledOf: (type) => {
      let known = compiled.get(type)
      if (known === undefined) {
        known = unknownType(type)
        compiled.set(type, known)
      }
      return known
    },
    activationHost: {
      limits: log.limits,
      load: (activation) => loads.add(activation),
      ready: (activation) => committer.add(activation),
      answer: ({ inbox, payload }) => log.answer(inbox, payload),
      startActivity: (activation, key) => activities.start(activation, key),
      stopActivity: (activation, key) => activities.stop(activation, key)
    },
    forget: (activation) => {
      loads.cancel(activation)
      committer.remove(activation)
      activities.stopAll(activation)
    },
    opened: () => {
      if (++open === OPEN_MAX) room.closeUnsafe()
    },
    closed: (count) => {
      const before = open
      open -= count
      if (before > OPEN_RESUME && open <= OPEN_RESUME) room.openUnsafe()
    },
    room: () => (open >= OPEN_MAX ? room.await : undefined),
    run: Effect.all([outbox.run, committer.run], { concurrency: "unbounded" })
  }
  return engine
})
