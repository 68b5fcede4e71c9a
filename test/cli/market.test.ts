import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { parseBars } from "../../market/index.ts"
import { AnalysisResult } from "../../protocols/index.ts"
import { conclave } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"

const Known = Schema.NullOr(Schema.Finite)
const Spread = Schema.Struct({
  ...{ mean: Schema.Finite, deviation: Schema.Finite, lowest: Schema.Finite, highest: Schema.Finite }
})
const FileFacts = Schema.Struct({
  ...{
    volatility: Schema.Finite,
    leverage: Known,
    volume_volatility: Known,
    range: Known,
    kurtosis: Schema.Array(Known)
  }
})
const decodeFacts = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      seeds: Schema.Struct({ first: Schema.Int, count: Schema.Int }),
      simulated: Schema.Array(
        Schema.Struct({ name: Schema.String, bars: Schema.Int, facts: Schema.Struct({ leverage: Spread }) })
      ),
      files: Schema.Array(Schema.Struct({ file: Schema.String, bars: Schema.Int, facts: FileFacts }))
    })
  )
)
const decodeAnalysis = Schema.decodeUnknownSync(Schema.fromJsonString(AnalysisResult))

describe("conclave market", () => {
  it.live("prints bars that the other commands read, the same for the same seed", () =>
    Effect.gen(function* () {
      const words = ["market", "simulate", "acme", "--bars", "120", "--seed", "4", "--regime", "sideways"]
      const [first, second] = [yield* conclave(...words), yield* endedInProcess({}, ...words)]
      assert.strictEqual(first.stdout, second.stdout)
      const bars = yield* parseBars(first.stdout)
      assert.lengthOf(bars, 120)
      assert.match(first.stdout, /^2024-01-01T00:00:00\.000Z,(?:[\d.]+,){7}sideways$/m)
    })
  )

  it.live("shows facts of several simulated markets with their spread beside those of a file", () =>
    Effect.gen(function* () {
      const facts = (...words: ReadonlyArray<string>) => conclave("market", "facts", ...words)
      const words = ["samples/ACME.csv", "--seeds", "3"]
      const [many, data] = yield* Effect.all([facts(...words), facts(...words, "--json")], { concurrency: 2 })
      assert.match(many.stdout, /^ +stock, days +currency, hours +ACME\.csv\nbars +3 × 2500 +3 × 5000 +504\n/)
      assert.match(many.stdout, /^leverage( +-?0\.\d{3} ± 0\.\d{3}){2} +-?0\.\d{3}$/m)
      assert.match(many.stdout, /Seeds 1 to 3: mean ± standard deviation over the seeds/)
      const { seeds, simulated, files } = decodeFacts(data.stdout)
      assert.deepStrictEqual(seeds, { first: 1, count: 3 })
      assert.deepStrictEqual(
        simulated.map(({ name, bars }) => [name, bars]),
        [
          ["stock, days", 2_500],
          ["currency, hours", 5_000]
        ]
      )
      const [stock] = simulated
      assert.isAbove(stock!.facts.leverage.deviation, 0)
      assert.isAtMost(stock!.facts.leverage.lowest, stock!.facts.leverage.mean)
      assert.deepStrictEqual(
        files.map(({ file, bars }) => [file, bars]),
        [["samples/ACME.csv", 504]]
      )
    })
  )

  it.live("shows what a file without volumes, or one that stands still, has no facts for as nothing", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const rows = readFileSync("samples/ACME.csv", "utf8").trim().split("\n")
      const bare = join(folder, "bare.csv")
      writeFileSync(bare, rows.map((row) => row.split(",").slice(0, 5).join(",")).join("\n"))
      const still = join(folder, "still.csv")
      writeFileSync(still, rows.map((row, at) => (at === 0 ? row : `${row.split(",")[0]},5,5,5,5,7`)).join("\n"))
      const words = ["market", "facts", bare, still, "--seeds", "1"]
      const [text, data] = yield* Effect.all([conclave(...words), conclave(...words, "--json")], { concurrency: 2 })
      assert.match(text.stdout, /^volume with size of return +0\.\d\d +0\.\d\d +- +-$/m)
      assert.match(text.stdout, /^leverage( +-?0\.\d{3}){3} +-$/m)
      assert.match(text.stdout, /^tail index \(Hill\)( +\d\.\d ± \d\.\d){3} +-$/m)
      assert.notMatch(text.stdout + data.stdout, /NaN|Infinity/)
      const [without, flat] = decodeFacts(data.stdout).files
      assert.isNull(without?.facts.volume_volatility)
      assert.isNotNull(without?.facts.leverage)
      assert.deepInclude(flat?.facts, { volatility: 0, leverage: null, volume_volatility: null, range: null })
    }).pipe(Effect.scoped)
  )

  it.live("tells what a file is taken for and what looks wrong in it", () =>
    Effect.gen(function* () {
      const check = (file: string, ...words: ReadonlyArray<string>) =>
        endedInProcess({}, "market", "check", `test/market/files/${file}`, ...words)
      const [hole, split, two, one] = yield* Effect.all(
        [
          conclave("market", "check", "test/market/files/a20-hole-of-months.csv"),
          check("a13-split-with-adj-close.csv", "--prices", "as-written", "--json"),
          check("a11-two-symbols-one-after-the-other.csv"),
          check("a11-two-symbols-one-after-the-other.csv", "--symbol", "abc")
        ],
        { concurrency: 2 }
      )
      assert.match(
        hole.stdout,
        /^bars {6}170, from 2023-01-02 to 2024-08-09\ninterval {2}1 day\nsession {3}5 days of the week$/m
      )
      assert.match(hole.stdout, /^warning {3}long stretches of time have no bars \(1 in all, line 122; the first from/m)
      assert.deepInclude(JSON.parse(split.stdout), { bars: 170, interval_seconds: 86_400, done: [] })
      assert.deepInclude(JSON.parse(split.stdout).warnings[0], { kind: "split_like", count: 1, lines: [152] })
      assert.deepInclude(two, { code: 1, stdout: "" })
      assert.match(two.stderr, /prices of more than one symbol, "XYZ", "ABC": name the symbol that is meant/)
      assert.match(one.stdout, /^symbols {3}"XYZ", "ABC"$/m)
      assert.match(one.stdout, /^year {6}\d+ days/m)
      assert.match(one.stdout, /^done {6}rows of other symbols were left out \(170 in all/m)
    })
  )

  it.live("gives an analysis the same bars whatever their layout, and says what it rests on", () =>
    Effect.gen(function* () {
      const analyze = (file: string, ...words: ReadonlyArray<string>) =>
        conclave("analyze", "brk.b", "--csv", `test/market/files/${file}`, "--json", ...words)
      const [plain, other, late] = yield* Effect.all(
        [
          analyze("canonical-days.csv"),
          analyze("a10-semicolon-decimal-comma.csv"),
          analyze("a17-days-with-offset-tokyo.csv", "--at", "2024-12-01")
        ],
        { concurrency: 2 }
      )
      const [said, again, last] = [plain, other, late].map(({ stdout }) => decodeAnalysis(stdout))
      assert.deepStrictEqual(again?.votes, said?.votes)
      assert.deepStrictEqual(last?.votes, said?.votes)
      assert.strictEqual(said?.symbol, "BRK.B")
      assert.strictEqual(plain.stderr, "")
      assert.match(
        other.stderr,
        /^\S+a10\S+: read as semicolons, decimal comma, days with the day first, 170 bars from .*\n$/
      )
      assert.match(late.stderr, /the prices end with 2024-08-26, before --at 2024-12-01/)
      assert.deepStrictEqual(last?.basis, {
        ...{ bar_time: "2024-08-26T00:00:00.000Z", price: 128.9, bars: 128, interval_seconds: 86_400, from: "request" },
        ...{ bars_per_year: (365.25 * 5) / 7, year: "as given with the bars" },
        source: { name: "a17-days-with-offset-tokyo.csv", layout: "commas, days of the exchange" }
      })
    })
  )

  it.live("refuses what it cannot do", () =>
    Effect.gen(function* () {
      const none = yield* conclave("market", "simulate", "acme", "--bars", "0")
      assert.notStrictEqual(none.code, 0)
      assert.include(none.stderr, "--bars")
      const short = yield* endedInProcess({}, "market", "simulate", "acme", "--interval", "10ms")
      assert.include(short.stderr, "must be a duration of at least 1s")
      const endless = yield* endedInProcess({}, "up", "--until-end")
      assert.strictEqual(endless.code, 1)
      assert.match(endless.stderr, /--until-end.* needs --csv as well/)
      const seedless = yield* endedInProcess({}, "market", "facts", "--seeds", "0")
      assert.include(seedless.stderr, "must be a whole number from 1 to 1000")
      const missing = yield* endedInProcess({}, "market", "facts", "nowhere.csv")
      assert.match(missing.stderr, /nowhere\.csv: there is no such file/)
    })
  )
})
