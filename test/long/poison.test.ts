import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule } from "effect"
import { Actors, Operators } from "../../runtime/index.ts"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { natsServer } from "../support/nats.ts"
import { type NodeProcess, startNode } from "../support/node-process.ts"
import { PoisonProtocol } from "../support/poison.ts"

const INNOCENTS = Array.from({ length: 12 }, (_, index) => `i${index}`)

const ask = (id: string, what: "add" | "exit" | "loop", seconds: number) =>
  Actors.use((all) => all.ask(PoisonProtocol, id, "Do", { what }, { timeout: `${seconds} seconds` }))

/** Two nodes that are started again whenever they end, as by something that watches over services. */
const keepAlive =
  (
    url: string,
    namespace: string,
    { started, ended: gone }: { readonly started: (node: NodeProcess) => void; readonly ended: () => void }
  ) =>
  (name: string) =>
    startNode(url, namespace, name, "poison").pipe(
      Effect.tap((node) => Effect.sync(() => started(node))),
      Effect.flatMap(({ ended }) => ended),
      Effect.tap(() => Effect.sync(gone)),
      Effect.scoped,
      Effect.ignore,
      Effect.repeat(Schedule.forever)
    )

const run = (what: "exit" | "loop") =>
  Effect.gen(function* () {
    const { url } = yield* natsServer()
    const options = { url, namespace: what, name: "test", ttlSeconds: 1 }
    const context = yield* Layer.build(layerOperators(options).pipe(Layer.provideMerge(layerNats(options))))
    return yield* Effect.gen(function* () {
      const nodes: Array<NodeProcess> = []
      let ended = 0
      const keep = keepAlive(url, what, { started: (node) => nodes.push(node), ended: () => ended++ })
      for (const name of ["one", "two"]) yield* Effect.forkScoped(keep(name))
      const adds = Effect.forEach(INNOCENTS, (id) => ask(id, "add", 60), { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(yield* adds), new Set([1]))
      yield* Effect.forkScoped(Effect.ignore(ask("culprit", what, 60)))
      yield* Effect.sleep("100 millis")
      const operators = yield* Operators
      const paused = yield* operators.paused.pipe(
        Effect.repeat({ until: (all) => all.length > 0, schedule: Schedule.spaced("50 millis") }),
        Effect.timeout("50 seconds")
      )
      assert.deepStrictEqual(
        paused.map(({ target, by, crashed }) => [target, by, crashed]),
        [[{ kind: "actor", address: { type: "poison", id: "culprit" } }, "runtime", true]]
      )
      assert.match(paused[0]!.cause, /each process that decided a message of it ended/)
      assert.deepStrictEqual(new Set(yield* adds), new Set([2]), "nobody else is harmed")
      // Who is at it still, and has lost its lease, is ended as well.
      yield* Effect.sleep(what === "loop" ? "5 seconds" : 0)
      const before = ended
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(ended, before, "no process ends any more")
      return nodes.map(({ output }) => output()).join("")
    }).pipe(Effect.provide(context))
  }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()), Effect.scoped)

describe("a message that ends whatever process decides it", () => {
  it.live("is found out: its actor is paused, and everybody else goes on", () => run("exit"), 60_000)

  it.live(
    "also where it never ends: it is told of while it runs, and its process is ended",
    () =>
      Effect.map(run("loop"), (output) => {
        assert.match(output, /decision of poison\/culprit, message \d+: it takes more than 2 seconds/)
        assert.match(output, /decision of poison\/culprit, message \d+: it has taken 3 seconds: this process ends/)
      }),
    90_000
  )
})
