import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Metric, Tracer } from "effect"
import { Actors, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { DeskProtocol, desk } from "../support/desk.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const actors = [counter, desk((task) => Effect.as(Effect.void.pipe(Effect.withSpan("inside")), task))]
const here = (namespace: string, name: string) => Layer.provideMerge(layerNode({ name, actors }), client({ namespace }))

/** The metrics of one node, by name: counts and values. */
const metricsOf = (node: string) =>
  Effect.map(Metric.snapshot, (all) =>
    Object.fromEntries(
      all
        .filter((one) => one.attributes?.node === node)
        .map((one) => {
          const { state } = one
          return [one.id, "count" in state ? Number(state.count) : "value" in state ? Number(state.value) : Number.NaN]
        })
    )
  )

layer(NatsServer.layer, { excludeTestServices: true })("what a node does can be seen", (it) => {
  it.effect("as metrics, which are gone with it", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const all = yield* Actors
        for (let time = 0; time < 10; time++) yield* all.ask(CounterProtocol, `m${time % 2}`, "Add", { n: 1 })
        yield* all.tell(DeskProtocol, "a", "Work", { key: "k", task: "t" })
        yield* Effect.flip(all.ask(DeskProtocol, "a", "Break", {}))
        yield* Effect.sleep("300 millis")
        const seen = yield* metricsOf("metered")
        assert.containSubset(seen, {
          conclave_activations_total: 3,
          conclave_resident_actors: 3,
          conclave_messages_parked_total: 1,
          conclave_activities_succeeded_total: 1,
          conclave_activities_running: 0,
          conclave_open_messages: 0,
          conclave_shards: 8
        })
        assert.strictEqual(seen.conclave_messages_total, 13, "ten, the work, its outcome, the broken one")
        assert.isAtLeast(seen.conclave_commits_total ?? 0, 11)
        assert.isAtLeast(seen.conclave_commit_seconds ?? 0, 11)
        assert.isAbove(seen.conclave_resident_bytes ?? 0, 3_000)
      }).pipe(Effect.provide(here("metrics", "metered")))
      const after = yield* metricsOf("metered")
      assert.notProperty(after, "conclave_resident_actors")
    })
  )

  it.effect("as spans of the trace that its caller began, through the mailbox into activities", () => {
    const spans: Array<Tracer.Span> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Effect.gen(function* () {
      const all = yield* Actors
      yield* all.ask(CounterProtocol, "a", "Add", { n: 1 })
      assert.deepStrictEqual(spans, [], "nobody asked for it")
      yield* Effect.gen(function* () {
        yield* all.ask(CounterProtocol, "a", "Add", { n: 1 }, { correlationId: "order 7" })
        yield* all.tell(DeskProtocol, "a", "Work", { key: "k", task: "t" })
      }).pipe(Effect.withSpan("caller"))
      yield* Effect.sleep("400 millis")
      const caller = spans.find(({ name }) => name === "caller")!
      const names = spans.filter(({ traceId }) => traceId === caller.traceId).map(({ name }) => name)
      assert.sameMembers(names, ["caller", "counter.Add", "desk.Work", "desk.work", "inside", "desk.work"])
      const add = spans.find(({ name }) => name === "counter.Add")!
      assert.strictEqual(add.attributes.get("correlation"), "order 7")
      assert.strictEqual(add.status._tag, "Ended")
    }).pipe(Effect.provide(here("traces", "traced")), Effect.provideService(Tracer.Tracer, tracer))
  })
})
