import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { ActorLog, Actors, LogReplaced, type LogStatus, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { leasesOfOne } from "../support/leases.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

/** What a node does with its lease, in order. */
const recordingLeases = (acts: Array<string>) =>
  leasesOfOne({
    ttlMillis: 300,
    join: () =>
      Effect.acquireRelease(
        Effect.sync(() => {
          acts.push("joins")
          return true
        }),
        () => Effect.sync(() => void acts.push("leaves"))
      )
  })

const becomes = (acts: ReadonlyArray<string>, wanted: string) =>
  Effect.sync(() => acts.join()).pipe(
    Effect.repeat({ until: (now) => now === wanted, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("5 seconds")
  )

/** A node on a log of which a test says how it is. */
const nodeOn = (namespace: string, acts: Array<string>, change: (status: LogStatus) => LogStatus) => {
  const said = Layer.effect(
    ActorLog,
    Effect.map(ActorLog, (log) =>
      ActorLog.of({
        ...log,
        get status() {
          return change(log.status)
        }
      })
    )
  )
  return layerNode({ name: "node", actors: [counter] }).pipe(
    Layer.provide([recordingLeases(acts), said]),
    Layer.provideMerge(client({ namespace }))
  )
}

layer(NatsServer.layer, { excludeTestServices: true })("a node", (it) => {
  it.effect("leaves while the log is another one, and is there again when it is its own", () => {
    const acts: Array<string> = []
    let fault: LogReplaced | undefined
    return Effect.gen(function* () {
      const add = Actors.use((all) => all.ask(CounterProtocol, "a", "Add", { n: 1 }, { timeout: "1 second" }))
      assert.strictEqual(yield* add, 1)
      fault = new LogReplaced({ detail: "restored" })
      yield* becomes(acts, "joins,leaves")
      assert.strictEqual((yield* Effect.flip(add))._tag, "AskTimeout", "it decides nothing")
      fault = undefined
      yield* becomes(acts, "joins,leaves,joins")
      // What was stored meanwhile was waiting.
      const read = Actors.use((all) => all.ask(CounterProtocol, "a", "Get", {}, { timeout: "5 seconds" }))
      assert.strictEqual(yield* read, 2)
    }).pipe(
      Effect.provide(nodeOn("another", acts, (status) => ({ ...statusOf(status), fault: fault ?? status.fault })))
    )
  })

  it.effect("joins anew and reads again when the log has lost its end", () => {
    const acts: Array<string> = []
    let rewinds = 0
    return Effect.gen(function* () {
      const add = Actors.use((all) => all.ask(CounterProtocol, "a", "Add", { n: 1 }, { timeout: "5 seconds" }))
      assert.strictEqual(yield* add, 1)
      rewinds = 1
      yield* becomes(acts, "joins,leaves,joins")
      assert.strictEqual(yield* add, 2)
    }).pipe(Effect.provide(nodeOn("rewound", acts, (status) => ({ ...statusOf(status), rewinds }))))
  })
})

const statusOf = ({ life, lastSequence, rewinds, fault, confirmedAt }: LogStatus): LogStatus => ({
  life,
  lastSequence,
  rewinds,
  fault,
  confirmedAt
})
