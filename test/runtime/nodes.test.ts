// Several nodes in one process: what they owe each other.
import { assert, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Schedule } from "effect"
import { makeNodeParts } from "../../runtime/engine/node/build.ts"
import { Node } from "../../runtime/engine/node/node.ts"
import { ActorLog, Actors, Leases, LocalNode, layerNode, type Membership, shardOf } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { leasesOfOne } from "../support/leases.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"

const ids = Array.from({ length: 40 }, (_, index) => `k${index}`)

const tellAll = (to: ReadonlyArray<string>) =>
  Effect.forEach(to, (id) => Actors.use((all) => all.tell(CounterProtocol, id, "Add", { n: 1 })), { concurrency: 20 })

const counts = Effect.forEach(
  ids,
  (id) => Actors.use((all) => all.ask(CounterProtocol, id, "Get", {}, { timeout: "4 seconds" })),
  { concurrency: 20 }
)

/** How many messages are stored under a subject. */
const stored = (stream: string, filter: string) =>
  Effect.flatMap(NatsServer, ({ url }) =>
    Effect.acquireUseRelease(
      Effect.promise(() => connect({ servers: url })),
      (connection) =>
        Effect.promise(async () => {
          const { streams } = await jetstreamManager(connection)
          const { state } = await streams.info(stream, { subjects_filter: filter })
          return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
        }),
      (connection) => Effect.promise(() => connection.close())
    )
  )

const newerCounter = { ...counter, definition: { ...counter.definition, version: 2 } }

/** The membership as it was last seen. */
const membership = Effect.gen(function* () {
  const seen: { now: Membership } = { now: { nodes: new Map(), holders: new Map() } }
  yield* Leases.use((leases) =>
    leases.watch((now) => {
      seen.now = now
    })
  )
  return seen
})

const becomes = (what: string, condition: () => boolean) =>
  Effect.sync(condition).pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => Effect.fail(new Error(`never: ${what}`)) })
  )

const heldBy = ({ now }: { now: Membership }, node: string) =>
  [...now.holders].flatMap(([shard, holder]) => (holder === node ? [shard] : []))

layer(NatsServer.layer, { excludeTestServices: true })("two nodes", (it) => {
  it.effect("remove what is done, also while one of them has nothing to do", () =>
    Effect.gen(function* () {
      const seen = yield* membership
      yield* becomes("both hold shards", () => heldBy(seen, "one").length > 0 && heldBy(seen, "two").length > 0)
      yield* becomes("all are held", () => seen.now.holders.size === 8)
      const ofOne = ids.filter((id) => heldBy(seen, "one").includes(shardOf({ type: "counter", id }, 8)))
      yield* tellAll(ofOne)
      assert.isAbove(yield* stored("PURGES", "purges.mail.>"), 0)
      yield* stored("PURGES", "purges.mail.>").pipe(
        Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("200 millis") }),
        Effect.timeout("12 seconds")
      )
      assert.deepStrictEqual(
        yield* counts,
        ids.map((id) => (ofOne.includes(id) ? 1 : 0))
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.fresh(system({ namespace: "purges", node: "one", actors: [counter] }))),
      Effect.provide(Layer.fresh(system({ namespace: "purges", node: "two", actors: [counter] })))
    )
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("a node that is too old for an actor", (it) => {
  it.effect("gives its shard to a newer node, and takes it again once there is no other", () =>
    Effect.gen(function* () {
      const parts = yield* makeNodeParts({ name: "old", actors: [counter] })
      const old = new Node(parts)
      const seen = yield* membership
      yield* old.run
      yield* becomes("it holds all", () => heldBy(seen, "old").length === 8)
      parts.declining.decline("any.3")
      yield* tellAll(ids)
      yield* Effect.sleep("500 millis")
      assert.strictEqual(heldBy(seen, "old").length, 8, "there is no other node to leave it to")

      yield* Effect.scoped(
        Effect.gen(function* () {
          const newer = layerNode({ name: "newer", actors: [newerCounter] })
          yield* Layer.build(Layer.provide(newer, Layer.fresh(client({ namespace: "declines" }))))
          yield* becomes("the newer one holds it", () => seen.now.holders.get("any.3") === "newer")
          const mine = heldBy(seen, "old").find((shard) => shard !== "any.3")!
          parts.declining.decline(mine)
          yield* becomes("and the next one", () => seen.now.holders.get(mine) === "newer")
          assert.includeMembers([...(seen.now.nodes.get("old")?.declines ?? [])], ["any.3", mine])
          assert.deepStrictEqual(
            yield* counts,
            ids.map(() => 1)
          )
        })
      )
      yield* becomes("the old one holds all again", () => heldBy(seen, "old").length === 8)
      assert.deepStrictEqual(
        yield* counts,
        ids.map(() => 1)
      )
    }).pipe(Effect.scoped, Effect.provide(client({ namespace: "declines" })))
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("a node", (it) => {
  it.effect("that lost its lease joins anew, and serves nothing until it has acquired it again", () => {
    let alive = true
    let free = true
    let joined = 0
    const leases = leasesOfOne({
      ttlMillis: 300,
      join: () => Effect.sync(() => ++joined > 0),
      renew: () => Effect.sync(() => alive),
      acquire: () => Effect.sync(() => free)
    })
    return Effect.gen(function* () {
      yield* tellAll(ids)
      yield* counts
      free = false
      alive = false
      yield* becomes("it has joined again", () => joined >= 2)
      alive = true
      yield* tellAll(ids)
      const early = Actors.use((all) => all.ask(CounterProtocol, "k0", "Get", {}, { timeout: "500 millis" }))
      assert.strictEqual((yield* Effect.flip(early))._tag, "AskTimeout", "another node may have it")
      free = true
      assert.deepStrictEqual(
        yield* counts,
        ids.map(() => 2)
      )
    }).pipe(
      Effect.provide(Layer.provide(layerNode({ name: "one", actors: [counter] }), leases)),
      Effect.provide(client({ namespace: "loses" }))
    )
  })

  it.effect("that breaks says so to its process", () => {
    const breaking = Layer.effect(
      ActorLog,
      Effect.map(ActorLog, (log) =>
        ActorLog.of({
          ...log,
          append: (group, id) =>
            group.some((entry) => entry.kind === "journal") ? Effect.die(new Error("a bug")) : log.append(group, id)
        })
      )
    )
    const node = layerNode({ name: "one", actors: [counter] }).pipe(Layer.provide([breaking, leasesOfOne()]))
    return Effect.gen(function* () {
      const { broken } = yield* LocalNode
      yield* tellAll(["a"])
      const error = yield* Effect.flip(broken).pipe(Effect.timeout("4 seconds"))
      assert.strictEqual(error.message, "the node one is broken and has left: Error: a bug")
    }).pipe(Effect.provide(node), Effect.provide(client({ namespace: "breaking" })))
  })
})
