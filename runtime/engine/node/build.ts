import { Clock, Deferred, Effect } from "effect"
import { elapsedBy } from "../../elapsed.ts"
import { Leases } from "../../leases.ts"
import { ActorLog } from "../../log.ts"
import { makeEngine } from "../engine.ts"
import { ASIDE_AFTER } from "../shard/aside.ts"
import { Purge } from "../shard/purge.ts"
import { shardOfName } from "../shard/serving.ts"
import { Shards } from "../shard/shards.ts"
import { Unserved } from "../shard/unserved.ts"
import { Continuity } from "./continuity.ts"
import { DecisionRight } from "./decision-right.ts"
import { Declining } from "./declining.ts"
import { Holdings } from "./holdings.ts"
import { MembershipView } from "./membership-view.ts"
import { Moves } from "./moves.ts"
import { Node, type NodeParts } from "./node.ts"
import { NodeLease } from "./node-lease.ts"
import { type NodeOptions, profileOf } from "./profile.ts"

/** What a node is made of, each part of those before it. */
export const makeNodeParts = Effect.fnUntraced(function* (options: NodeOptions) {
  const { name, actors, asideAfter = ASIDE_AFTER } = options
  const log = yield* ActorLog
  const leases = yield* Leases
  const clock = yield* Clock.Clock
  const now = elapsedBy(clock)
  const profile = profileOf(options, clock.currentTimeMillisUnsafe())
  const view = new MembershipView()
  const declining = new Declining(name, profile, view)
  const lease = new NodeLease(name, leases, clock)
  const right = new DecisionRight(log, lease)
  const purge = new Purge(log, asideAfter, now)
  const { watermarks } = purge
  const unserved = new Unserved({ name, actors, log, nodes: () => view.now.nodes, now })
  const engine = yield* makeEngine({ log, leases, declining, right, watermarks, unserved }, options)
  const { probations, flow } = engine
  const defects = Deferred.makeUnsafe<never>()
  const broken = (defect: unknown) => Effect.asVoid(Deferred.die(defects, defect))
  const shards = new Shards({
    log,
    shards: engine.shards,
    right,
    flow,
    probations,
    watermarks,
    asideAfter,
    now,
    broken
  })
  const holdings = new Holdings(name, profile, leases, shards)
  const moves = new Moves({
    node: name,
    leases,
    shards,
    holdings,
    probations,
    life: () => lease.life,
    isDeclined: (shard) => declining.shards.includes(shardOfName(shard)),
    // Otherwise we are about to hear of it.
    ended: (shard) => {
      if (view.now.holders.get(shard) !== name) view.changed.openUnsafe()
    }
  })
  const continuity = new Continuity(log)
  const parts: NodeParts = {
    name,
    profile,
    log,
    leases,
    engine,
    view,
    lease,
    right,
    declining,
    purge,
    unserved,
    shards,
    holdings,
    moves,
    continuity,
    defects
  }
  return parts
})

/** A node that has not started. */
export const makeNode = (options: NodeOptions) => Effect.map(makeNodeParts(options), (parts) => new Node(parts))
