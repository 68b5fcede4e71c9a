import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parseBars } from "../../market/index.ts"
import { conclave } from "../support/command.ts"

describe("conclave market", () => {
  it.live("prints bars that the other commands read, the same for the same seed", () =>
    Effect.gen(function* () {
      const words = ["market", "simulate", "acme", "--bars", "120", "--seed", "4", "--regime", "sideways"]
      const [first, second] = yield* Effect.all([conclave(...words), conclave(...words)], { concurrency: 2 })
      assert.strictEqual(first.stdout, second.stdout)
      const bars = yield* parseBars(first.stdout)
      assert.lengthOf(bars, 120)
      assert.match(first.stdout, /^2024-01-01T00:00:00\.000Z,(?:[\d.]+,){7}sideways$/m)
    })
  )

  it.live("shows simulated facts beside those of a file", () =>
    Effect.gen(function* () {
      const { stdout, code } = yield* conclave("market", "facts", "samples/ACME.csv")
      assert.strictEqual(code, 0)
      assert.match(stdout, /^ +stock, days +currency, hours +ACME\.csv\nbars +2500 +5000 +504\n/)
      assert.match(stdout, /^tail index \(Hill\) +\d\.\d ± \d\.\d/m)
    })
  )

  it.live("refuses what it cannot do", () =>
    Effect.gen(function* () {
      const none = yield* conclave("market", "simulate", "acme", "--bars", "0")
      assert.notStrictEqual(none.code, 0)
      assert.include(none.stderr, "--bars")
      const short = yield* conclave("market", "simulate", "acme", "--interval", "10ms")
      assert.include(short.stderr, "must be a duration of at least 1s")
      const missing = yield* conclave("market", "facts", "nowhere.csv")
      assert.match(missing.stderr, /nowhere\.csv: there is no such file/)
    })
  )
})
