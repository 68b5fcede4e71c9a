import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { readPlan } from "../../cli/run/experiment-file.ts"
import { type ExperimentPlan, ExperimentReport } from "../../protocols/index.ts"
import { conclave, dataFolder, start } from "../support/command.ts"
import { temporaryFolder } from "../support/nats.ts"

const PLAN: ExperimentPlan = {
  name: "pool-or-not",
  metric: "return",
  arms: {
    a: { label: "weighted" },
    b: { label: "pool", method: "log_opinion_pool", min_confidence: 0.5, panel: ["market_analyst", "risk_advisor"] }
  }
}
const CALIBRATED = { ...PLAN, arms: { ...PLAN.arms, a: { label: "weighted", early_close: true } } }

const decodeReport = Schema.decodeUnknownSync(Schema.fromJsonString(ExperimentReport))

const fileWith = (plan: unknown) =>
  Effect.map(temporaryFolder, (folder) => {
    const file = join(folder, "experiment.json")
    writeFileSync(file, typeof plan === "string" ? plan : JSON.stringify(plan))
    return file
  })

describe("the file of an experiment", () => {
  it.effect("is read, and refused with the field and its rule where it breaks one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* readPlan(yield* fileWith(PLAN)), PLAN)
      const withB = (b: object) => ({ ...PLAN, arms: { ...PLAN.arms, b: { label: "b", ...b } } })
      const bad: ReadonlyArray<readonly [plan: unknown, message: RegExp]> = [
        ["{", /: it is not JSON$/],
        [{ ...PLAN, name: "a b" }, /`name`: a name is 1 to 64/],
        [{ ...PLAN, metric: "profit" }, /`metric`: .*"brier"/],
        [{ ...PLAN, alpha: 0 }, /`alpha`: alpha must be above 0/],
        [{ name: "x" }, /`arms`: this field is required/],
        [withB({ panel: [] }), /`arms.b.panel`: no agent is named/],
        [withB({ panel: ["risk_advisor", "risk_advisor"] }), /`arms.b.panel`: an agent is named twice/],
        [withB({ panel: ["oracle"] }), /`arms.b.panel.0`: /],
        [withB({ panel: ["risk_advisor"], quorum: 2 }), /`arms.b.quorum`: the quorum is more than the 1 of the panel/],
        [withB({ quorum: 4 }), /`arms.b.quorum`: the quorum is more than the 3 of the panel/],
        [withB({ min_confidence: 2 }), /`arms.b.min_confidence`: confidence must be between 0 and 1/],
        [withB({ weigths: {} }), /`arms.b.weigths`: there is no such field/],
        [withB({ label: "weighted" }), /`arms.b.label`: the arms must differ/]
      ]
      for (const [plan, message] of bad) {
        const error = yield* Effect.flip(readPlan(yield* fileWith(plan)))
        assert.strictEqual(error._tag, "ExperimentFileError")
        assert.match(error.message, message)
      }
      assert.match((yield* Effect.flip(readPlan("nowhere.json"))).message, /^nowhere\.json: .*no such file/)
    }).pipe(Effect.scoped)
  )
})

describe("conclave up --experiment", () => {
  it.live(
    "splits the analyses of real prices between two arms, of which `conclave experiments` shows the outcomes",
    () =>
      Effect.gen(function* () {
        const data = yield* dataFolder
        const market = ["--csv", "samples/ACME.csv", "--symbol", "ACME", "--speed", "40", "--port", "0", "--data", data]
        const file = yield* fileWith(PLAN)
        const running = yield* start(["up", "--experiment", file, ...market])
        yield* running.says(/(experiment pool-or-not: A weighted, B pool)/)
        const report = yield* reportOf(data, (found) => Math.min(found.arms.a.scored, found.arms.b.scored) >= 5)
        assert.deepStrictEqual([report.arms.a.label, report.arms.b.label], ["weighted", "pool"])
        assert.deepStrictEqual([report.arms.a.lost, report.arms.b.lost], [0, 0])
        yield* running.signal("SIGINT")
        assert.strictEqual((yield* running.ended).code, 130)

        const other = yield* conclave("up", "--experiment", yield* fileWith(CALIBRATED), ...market)
        assert.strictEqual(other.code, 1)
        assert.match(other.stderr, /conclave: the experiment pool-or-not was begun with other arms/)
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )
})

/** Asks until it shows what is waited for; 25 times at most. */
const reportOf = (data: string, enough: (report: ExperimentReport) => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 25; tries++) {
      const shown = yield* conclave("experiments", "pool-or-not", "--data", data, "--json")
      if (shown.code === 0 && enough(decodeReport(shown.stdout))) return decodeReport(shown.stdout)
    }
    return assert.fail("the arms have no outcomes")
  })
