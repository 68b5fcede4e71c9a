import { Effect, Exit, FiberSet, Latch, Layer, Schedule, Scope } from "effect"
import type { Actor } from "../actor.ts"
import { formatAddress } from "../address.ts"
import type { ReadError } from "../errors.ts"
import { Leases, type Membership } from "../leases.ts"
import { ActorLog } from "../log.ts"
import { Outbox } from "../outbox.ts"
import { Activities } from "./activities.ts"
import type { Activation } from "./activation.ts"
import { Committer } from "./commit.ts"
import { type Compiled, compile, unknownType } from "./compiled.ts"
import { movesOf } from "./placement.ts"
import { Shard, type ShardHost } from "./shard.ts"

export interface NodeOptions {
  /** The node's name, unique among the live nodes: letters, digits, dashes. */
  readonly name: string
  readonly actors: ReadonlyArray<Actor>
}

/** Messages that are delivered and not yet done; at the upper limit tails wait until the lower is reached. */
const OPEN_MAX = 20_000
const OPEN_RESUME = 10_000
const LOADS_MAX = 128
const LOAD_AGAIN = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])
const MOVES_AT_ONCE = 8

/**
 * Runs actors in this process: takes its share of the shards while the layer lives, and gives it back at the end.
 */
export const layerNode = (options: NodeOptions): Layer.Layer<never, ReadError, ActorLog | Leases> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const log = yield* ActorLog
      const leases = yield* Leases
      const engine = yield* makeEngine(log, options.actors)
      yield* placement(options.name, log.shards, leases, (number) => new Shard(number, engine))
      yield* Effect.logInfo("node started", { node: options.name })
    })
  )

/** What all shards of the node share: the committer, the activities, the reading of journals. */
const makeEngine = Effect.fnUntraced(function* (log: ActorLog["Service"], actors: ReadonlyArray<Actor>) {
  const compiled = new Map<string, Compiled>(actors.map((actor) => [actor.type, compile(actor)]))
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const outbox = new Outbox(log)
  const committer = new Committer(log)
  const activities = new Activities({ outbox, fork: (effect) => fork(effect) })
  yield* Effect.forkScoped(outbox.run)
  yield* Effect.forkScoped(committer.run)
  const loads = makeLoads(log, fork)
  const room = Latch.makeUnsafe(true)
  let open = 0
  const engine: ShardHost = {
    log,
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
      load: loads.load,
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
    delivered: () => {
      open++
      if (open >= OPEN_MAX) room.closeUnsafe()
      return open >= OPEN_MAX ? room.await : undefined
    },
    done: () => {
      open--
      if (open <= OPEN_RESUME) room.openUnsafe()
    }
  }
  return engine
})

/** Reads journals for activations, so many at once, again until it succeeds or the activation is given up. */
const makeLoads = (log: ActorLog["Service"], fork: (effect: Effect.Effect<void>) => unknown) => {
  const waiting = new Set<Activation>()
  let running = 0

  const read = (activation: Activation): Effect.Effect<void> =>
    log.readJournal(activation.address).pipe(
      Effect.retry({ while: () => waiting.has(activation), schedule: LOAD_AGAIN }),
      Effect.map((records) => {
        if (waiting.delete(activation)) activation.recover(records)
      }),
      Effect.catch(() => Effect.void),
      // Its mail stays where it is. The rest of the node goes on.
      Effect.catchDefect((defect) =>
        Effect.logError("actor cannot be recovered", { actor: formatAddress(activation.address), reason: String(defect) })
      ),
      Effect.ensuring(
        Effect.sync(() => {
          running--
          startNext()
        })
      )
    )

  const queue: Array<Activation> = []
  const startNext = () => {
    while (running < LOADS_MAX && queue.length > 0) {
      const activation = queue.shift()!
      if (!waiting.has(activation)) continue
      running++
      fork(read(activation))
    }
  }

  return {
    load: (activation: Activation) => {
      waiting.add(activation)
      queue.push(activation)
      startNext()
    },
    cancel: (activation: Activation) => void waiting.delete(activation)
  }
}

/** Keeps the node's shards what placement says they should be. */
const placement = Effect.fnUntraced(function* (
  node: string,
  shards: number,
  leases: Leases["Service"],
  makeShard: (number: number) => Shard
) {
  let membership: Membership = { nodes: new Set(), holders: new Map() }
  const owned = new Map<number, { readonly shard: Shard; readonly scope: Scope.Closeable }>()
  const changed = Latch.makeUnsafe(true)

  const stop = Effect.fnUntraced(function* (number: number, lost: boolean) {
    const held = owned.get(number)
    if (held === undefined) return
    yield* Scope.close(held.scope, Exit.void)
    if (!lost) yield* held.shard.drain
    held.shard.drop()
    owned.delete(number)
    if (!lost) yield* Effect.ignore(leases.release(number, node))
  })

  const start = Effect.fnUntraced(function* (number: number) {
    if (!(yield* leases.acquire(number, node))) return
    const shard = makeShard(number)
    const scope = yield* Scope.make()
    owned.set(number, { shard, scope })
    yield* shard.serve.pipe(Scope.provide(scope), Effect.forkIn(scope))
  })

  const reconcile = Effect.gen(function* () {
    const { acquire, release } = movesOf(node, new Set(owned.keys()), membership, shards)
    yield* Effect.forEach(release, (number) => stop(number, false), { concurrency: MOVES_AT_ONCE, discard: true })
    yield* Effect.forEach(acquire, start, { concurrency: MOVES_AT_ONCE, discard: true })
    // Only so many are released at once; the next ones follow.
    if (release.length > 0) changed.openUnsafe()
  }).pipe(
    Effect.catch((error) => Effect.logWarning("placement delayed", { reason: error.message })),
    Effect.uninterruptible
  )

  const renew = Effect.suspend(() =>
    Effect.forEach(
      [...owned.keys()],
      (number) =>
        leases.renew(number, node).pipe(
          Effect.flatMap((held) => (held ? Effect.void : stop(number, true))),
          Effect.catch((error) => Effect.logWarning("lease not renewed", { shard: number, reason: error.message }))
        ),
      { concurrency: "unbounded", discard: true }
    )
  ).pipe(Effect.andThen(Effect.sync(() => changed.openUnsafe())))

  yield* Effect.addFinalizer(() =>
    Effect.forEach([...owned.keys()], (number) => stop(number, false), { concurrency: MOVES_AT_ONCE, discard: true })
  )
  yield* leases.watch((now) => {
    membership = now
    changed.openUnsafe()
  })
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        yield* changed.await
        changed.closeUnsafe()
        yield* reconcile
      })
    )
  )
  yield* Effect.forkScoped(renew.pipe(Effect.repeat(Schedule.spaced(leases.ttlMillis / 3))))
  // Joined last, so that it leaves first: the others then know whose shards come free.
  yield* leases.join(node)
})
