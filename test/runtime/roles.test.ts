import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer, Schedule, Schema, Scope } from "effect"
import { ActorLog, Actors, define, Leases, layerNode, type Membership, publish } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const Empty = Schema.Struct({})

/** Publishes that it ran. */
const trainer = define({
  protocol: { type: "trainer", role: "gpu", messages: { Train: { payload: Empty } } },
  state: Empty,
  initial: () => ({}),
  events: {},
  decide: { Train: () => [publish({ type: "trained", data: Empty }, "trained", {})] },
  evolve: {}
})

const address = { type: "trainer", id: "a", role: "gpu" }

const train = ActorLog.use((log) =>
  log.append([
    { kind: "mail", to: address, payload: '{"kind":"message","message":"Train","body":{},"correlation":"c"}' }
  ])
)

/** Counters everywhere go on. */
const othersAnswer = Effect.forEach(
  Array.from({ length: 20 }, (_, index) => `k${index}`),
  (id) => Actors.use((all) => all.ask(CounterProtocol, id, "Get", {}, { timeout: "3 seconds" })),
  { concurrency: 20 }
)

/** A node of the namespace, until the scope closes. */
const start = (name: string, labels: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const node = layerNode({ name, labels, actors: [counter, trainer] })
    const connected = Layer.provide(Layer.fresh(node), Layer.fresh(client({ namespace: "roles" })))
    yield* Effect.acquireRelease(Layer.buildWithScope(connected, scope), () => Scope.close(scope, Exit.void))
    return { stop: Scope.close(scope, Exit.void) }
  })

layer(NatsServer.layer, { excludeTestServices: true })("an actor type with a role", (it) => {
  it.effect("runs on a node with that label only; while there is none its mail waits, and nobody else does", () =>
    Effect.gen(function* () {
      let seen: Membership = { nodes: new Map(), holders: new Map() }
      yield* Leases.use((leases) =>
        leases.watch((membership) => {
          seen = membership
        })
      )
      let runs = 0
      yield* ActorLog.use((log) => log.watch("trained", () => runs++))
      const runsBecome = (count: number) =>
        Effect.sync(() => runs).pipe(
          Effect.repeat({ until: (now) => now === count, schedule: Schedule.spaced("20 millis") }),
          Effect.timeout("6 seconds")
        )
      const holdersOf = (role: string) =>
        new Set([...seen.holders].flatMap(([shard, holder]) => (shard.startsWith(`${role}.`) ? [holder] : [])))
      yield* start("plain", ["cpu"])
      yield* train
      yield* othersAnswer
      yield* Effect.sleep("500 millis")
      assert.strictEqual(runs, 0, "no node has the label")

      const labelled = yield* start("labelled", ["gpu", "eu"])
      yield* runsBecome(1)
      yield* othersAnswer
      assert.deepStrictEqual(holdersOf("gpu"), new Set(["labelled"]))
      assert.deepStrictEqual(holdersOf("any"), new Set(["plain", "labelled"]))
      assert.deepStrictEqual(holdersOf("eu"), new Set(), "no actor has that role")
      assert.deepStrictEqual(seen.nodes.get("labelled")?.roles, ["any", "gpu"])

      yield* labelled.stop
      yield* train
      yield* othersAnswer
      yield* Effect.sleep("500 millis")
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(holdersOf("gpu"), new Set())

      yield* start("another", ["gpu"])
      yield* runsBecome(2)
      yield* othersAnswer
    }).pipe(Effect.scoped, Effect.provide(client({ namespace: "roles" })))
  )

  it.effect("that no node serves is told of by its name, and what may wait for an actor is bounded", () =>
    Effect.gen(function* () {
      const protocol = { type: "miner", role: "asic", messages: { Mine: { payload: Empty } } } as const
      const miner = define({
        protocol,
        limits: { mailbox: 5 },
        state: Empty,
        initial: () => ({}),
        events: {},
        decide: { Mine: () => [] },
        evolve: {}
      })
      const alerts: Array<string> = []
      yield* ActorLog.use((log) => log.watch("alert.warning", ({ payload }) => alerts.push(payload)))
      yield* Layer.build(layerNode({ name: "plain", actors: [counter, miner] }))
      const mine = Actors.use((all) => all.tell(protocol, "m", "Mine", {}))
      for (let n = 0; n < 6; n++) yield* mine
      const refused = yield* Effect.flip(mine).pipe(
        Effect.retry(Schedule.spaced("200 millis")),
        Effect.timeout("12 seconds")
      )
      assert.strictEqual(refused._tag, "MailboxFull")
      assert.strictEqual(alerts.length, 1)
      assert.match(alerts[0] ?? "", /no live node serves the role asic: \d+ messages for actors of miner/)
    }).pipe(Effect.scoped, Effect.provide(client({ namespace: "unserved" })))
  )
})
