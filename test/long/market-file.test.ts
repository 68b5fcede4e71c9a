// A file of prices far larger than the memory that is there for it.
import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { conclaveWith } from "../support/command.ts"
import { temporaryFolder } from "../support/nats.ts"

const ROWS = 10_000_000
const BLOCK = 50_000

/** Minutes on end, whose price goes up and down in a saw. */
const writeMinutes = (file: string) => {
  const out = openSync(file, "w")
  writeSync(out, "time,open,high,low,close,volume\n")
  for (let from = 0; from < ROWS; from += BLOCK) {
    const rows = Array.from({ length: BLOCK }, (_, index) => {
      const at = from + index
      const [open, close] = [at, at + 1].map((each) => 100 + Math.abs((each % 2_000) - 1_000) / 100)
      return `${1_000_000_000 + 60 * at},${open},${open! + 1},${open! - 1},${close},5`
    })
    writeSync(out, `${rows.join("\n")}\n`)
  }
  closeSync(out)
}

describe("a file of ten million rows", () => {
  it.live("is read with a heap that holds none of it", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "minutes.csv")
      writeMinutes(file)
      const env = { NODE_OPTIONS: "--max-old-space-size=128" }
      const { code, stdout, stderr } = yield* conclaveWith(env, "market", "check", file, "--json")
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.deepInclude(JSON.parse(stdout), { bars: ROWS, interval_seconds: 60, done: [], warnings: [] })
    }).pipe(Effect.scoped)
  )
})
