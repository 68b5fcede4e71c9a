import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { conclave } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"

const Backtest = Schema.Struct({
  symbol: Schema.String,
  from: Schema.String,
  to: Schema.String,
  bars: Schema.Int,
  strategies: Schema.Array(Schema.Struct({ name: Schema.String, total_return: Schema.Finite }))
})
const Tests = Schema.Struct({
  executive_summary: Schema.Struct({ overall_success_rate: Schema.Finite, scenarios: Schema.Int })
})
const read = <S extends Schema.Codec<unknown, unknown>>(schema: S, text: string): S["Type"] =>
  Schema.decodeUnknownSync(schema)(JSON.parse(text))

describe("conclave backtest", () => {
  it.live("walks through a file, prints its table, and writes a page that needs nothing else", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "acme.html")
      const { stdout, code } = yield* conclave("backtest", "--csv", "samples/ACME.csv", "--html", file)
      assert.strictEqual(code, 0)
      assert.match(stdout, /^ACME, 376 bars from 20\d\d-\d\d-\d\d/)
      for (const name of ["learned_weights", "equal_weights", "market_analyst", "buy_and_hold"]) {
        assert.match(stdout, new RegExp(`^${name} +-?\\d+\\.\\d%`, "m"))
      }
      const page = readFileSync(file, "utf8")
      assert.notMatch(page, /(?:src|href)=/)
      assert.include(page, "<title>Backtest of ACME</title>")
    }).pipe(Effect.scoped)
  )

  it.live("counts from and to the days given, and warms up before them", () =>
    Effect.gen(function* () {
      const days = ["--from", "2023-03-01", "--to", "2023-05-31"]
      const { stdout } = yield* endedInProcess(
        {},
        "backtest",
        "--csv",
        "samples/ACME.csv",
        ...days,
        "--panel",
        "risk_advisor",
        "--json"
      )
      const found = read(Backtest, stdout)
      assert.match(found.from, /^2023-03-01/)
      assert.match(found.to, /^2023-05-31/)
      assert.deepStrictEqual(
        found.strategies.map(({ name }) => name),
        ["learned_weights", "equal_weights", "risk_advisor", "buy_and_hold"]
      )
    })
  )

  it.live("says in a sentence what it cannot do", () =>
    Effect.gen(function* () {
      const refused = (...words: ReadonlyArray<string>) =>
        Effect.map(endedInProcess({}, "backtest", ...words), ({ code, stderr }) => {
          assert.notStrictEqual(code, 0)
          return stderr
        })
      const csv = ["--csv", "samples/ACME.csv"] as const
      assert.match(yield* refused(), /either --csv FILE or --martingale/)
      assert.match(yield* refused(...csv, "--martingale"), /either --csv FILE or --martingale/)
      assert.match(yield* refused(...csv, "--panel", "nobody"), /no agent "nobody"/)
      assert.match(yield* refused(...csv, "--from", "2023-02-30"), /--from "2023-02-30" is not a date/)
      assert.match(yield* refused(...csv, "--to", "2022-04-01"), /bars are too few/)
      assert.match(yield* refused(...csv, "--fee", "2"), /from 0 to 1/)
      assert.match(yield* refused(...csv, "--lot", "0"), /--lot "0": must be above 0/)
      assert.match(yield* refused(...csv, "--html", "nowhere/a.html"), /could not be written to nowhere\/a\.html/)
    })
  )
})

describe("conclave test-agents", () => {
  it.live("tests what is asked for, for people and for programs", () =>
    Effect.gen(function* () {
      const words = ["test-agents", "--regime", "sideways", "--agent", "joint", "--runs", "2", "--seed", "5"]
      const { stdout } = yield* conclave(...words)
      assert.match(stdout, /^overall_success_rate \d+\.\d%/m)
      assert.match(stdout, /^traders \d+\.\d% /m)
      assert.match(stdout, /^REGIME +JOINT +ALL$/m)
      assert.match(stdout, /^REGIME +TRADERS +COIN +ALWAYS HOLD +MOMENTUM .*REGIME KNOWN$/m)
      const { executive_summary } = read(Tests, (yield* endedInProcess({}, ...words, "--json")).stdout)
      assert.strictEqual(executive_summary.scenarios, 6)
    })
  )

  it.live("takes lists, and has its summary under test_report as well", () =>
    Effect.gen(function* () {
      const lists = [
        "test-agents",
        "--regime",
        "mean_reversion, sideways",
        "--agent",
        "joint,risk_advisor",
        "--runs",
        "1"
      ]
      const { stdout } = yield* endedInProcess({}, ...lists, "--json")
      const found = read(Schema.Struct({ ...Tests.fields, test_report: Tests, accuracy: Schema.Unknown }), stdout)
      assert.deepStrictEqual(found.test_report.executive_summary, found.executive_summary)
      assert.deepStrictEqual(Object.keys(Object(found.accuracy)), ["sideways", "mean_reversion"])
      assert.deepStrictEqual(Object.keys(Object(found.accuracy).sideways), ["risk_advisor", "joint"])
      const wrong = yield* endedInProcess({}, "test-agents", "--agent", "joint,nobody")
      assert.include(wrong.stderr + wrong.stdout, "must be of market_analyst")
    })
  )

  it.live("asks a whole system of its own for many analyses at once, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const { stdout, code } = yield* conclave("test-agents", "--stress", "40", "--json")
      assert.strictEqual(code, 0)
      const Stress = Schema.Struct({ analyses: Schema.Int, errors: Schema.Record(Schema.String, Schema.Int) })
      assert.deepStrictEqual(read(Stress, stdout), { analyses: 40, errors: {} })
    })
  )
})
