import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Cause, Console, Effect, Exit, Layer, Schema } from "effect"
import { Command } from "effect/cli"
import { armOf, experimentActor } from "../../actors/index.ts"
import { fromRecord } from "../../cli/config.ts"
import { experiments } from "../../cli/operate/experiments.ts"
import { ExperimentProtocol, ExperimentReport } from "../../protocols/index.ts"
import { Actors } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const NAMESPACE = "trials"
const EXPERIMENT = { a: "quant", b: "weighted", metric: "brier", alpha: 0.05, return_cap: 0.05 } as const
const REQUESTS = 300

const decodeReport = Schema.decodeUnknownSync(Schema.fromJsonString(ExperimentReport))
const decodeAll = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(ExperimentReport)))

const root = Command.make("conclave").pipe(Command.withSubcommands([experiments]))

const run = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { url } = yield* NatsServer
    const printed: Array<string> = []
    const console: Console.Console = { ...globalThis.console, log: (text) => void printed.push(`${text}`) }
    const exit = yield* Command.runWith(root, { version: "0" })(["experiments", ...args]).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provide([NodeServices.layer, fromRecord({ NATS_URL: url, CONCLAVE_NAMESPACE: NAMESPACE })]),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) return printed.join("\n")
    const failure = Cause.squash(exit.cause)
    return `failed: ${failure instanceof Error ? failure.message : failure}`
  })

/** Answers requests: arm b is right where a holds. */
const play = Effect.gen(function* () {
  const trial = (yield* Actors).ref(ExperimentProtocol, "trial")
  yield* trial.ask("Start", { experiment: EXPERIMENT })
  for (let index = 0; index < REQUESTS; index++) {
    const request_id = `r${index}`
    yield* trial.tell("Outcome", {
      ...{ request_id, confidence: 0.7, outcome: "BUY", return: 0.02 },
      decision: (yield* trial.ask("Assign", { request_id })).arm === "b" ? "BUY" : "HOLD"
    })
  }
  yield* trial.ask("Assign", { request_id: "waits" })
})

const server = Layer.provideMerge(system({ namespace: NAMESPACE, actors: [experimentActor] }), NatsServer.layer)

layer(server, { excludeTestServices: true })("conclave experiments", (it) => {
  it.effect("says what an experiment shows, for people and for programs", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* run(), "there is no experiment")
      assert.strictEqual(yield* run("trial"), "failed: there is no experiment trial")
      yield* play
      yield* Actors.use((all) => all.ask(ExperimentProtocol, "fresh", "Start", { experiment: EXPERIMENT }))
      yield* Actors.use((all) => all.ask(ExperimentProtocol, "fresh", "Stop", {}))

      const [head, fresh, trial] = (yield* run()).split("\n")
      assert.match(head!, /^EXPERIMENT +STATE +SCORED +A +B +B - A +INTERVAL +P +VERDICT$/)
      assert.match(fresh!, /^fresh +stopped +0 +- +- +- +-1\.0000 to \+1\.0000 +1\.0000 +no difference shown yet$/)
      assert.match(
        trial!,
        /^trial +running +300 +0\.6175 +0\.0675 +-0\.5500 +-0\.\d{4} to -0\.\d{4} +< 0\.0001 +B better \(weighted\), shown after \d+ requests$/
      )
      const shown = yield* run("trial")
      assert.match(shown, /^trial\n {2}state {5}running\n {2}loss {6}half the Brier score/)
      assert.match(
        shown,
        /\n {2}verdict {3}B better \(weighted\), shown after \d+ requests\n {2}ARM +CONFIGURATION +ASSIGNED/
      )
      assert.match(shown, /\n {2}A +quant +\d+ +\d+ +0\.6175 +\d +0 +0\n {2}B +weighted /)

      const report = decodeReport(yield* run("trial", "--json"))
      assert.deepStrictEqual(report, yield* Actors.use((all) => all.ask(ExperimentProtocol, "trial", "GetReport", {})))
      assert.strictEqual(report.arms[armOf("trial", "waits")].waiting, 1)
      assert.deepStrictEqual(
        decodeAll(yield* run("--json")).map(({ name, verdict }) => [name, verdict]),
        [
          ["fresh", "no_difference_shown"],
          ["trial", "b_better"]
        ]
      )
    })
  )
})
