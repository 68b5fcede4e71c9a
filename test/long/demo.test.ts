// `npm run demo` as a process: it tours everything within a minute, and leaves nothing.
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ROOT, SOURCES } from "../support/command.ts"

describe("the demo", () => {
  it("shows analyses, a dissent, a live market, agent tests and the status, and ends by itself", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...SOURCES, join(ROOT, "system", "demo.ts")], {
      encoding: "utf8",
      timeout: 60_000
    })
    assert.deepStrictEqual([status, stderr], [0, ""])
    for (const part of [
      /ACME +(BUY|SELL|HOLD)/,
      /critic +(BUY|SELL) +0\.90/,
      /WAYNE: 68 bars/,
      /% of \d+ answers/,
      /log healthy/
    ]) {
      assert.match(stdout, part)
    }
    assert.match(stdout, /Stopped, after \d+ seconds\.\n$/)
  })
})
