import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TOOLS, toolsOf } from "../../actors/index.ts"
import { conclave } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"

const namesIn = (stdout: string) => stdout.split("\n").flatMap((line) => /^([a-z_]+) +\d+ /.exec(line)?.[1] ?? [])

describe("conclave tools", () => {
  it.live("lists every tool with its warm-up, or those of one type of agent", () =>
    Effect.gen(function* () {
      const all = yield* conclave("tools")
      assert.deepStrictEqual([all.code, all.stderr], [0, ""])
      assert.deepStrictEqual(
        namesIn(all.stdout),
        TOOLS.map(({ name }) => name)
      )
      assert.match(all.stdout, /^macd +34 /m)
      const some = yield* endedInProcess({}, "tools", "--agent", "risk_advisor")
      assert.deepStrictEqual(
        namesIn(some.stdout),
        toolsOf("risk_advisor").map(({ name }) => name)
      )
    })
  )

  it.live("explains one: meaning, source, warm-up, and each field with its unit; for programs as JSON", () =>
    Effect.gen(function* () {
      const { stdout } = yield* endedInProcess({}, "tools", "atr")
      assert.match(stdout, /^atr: Average true range/)
      assert.match(stdout, /^Source: J\. W\. Wilder/m)
      assert.match(stdout, /^Warm-up: period \+ 1 bars; 15 with no parameters given\.$/m)
      assert.match(stdout, /^Stands in for it: volatility\.$/m)
      assert.match(stdout, /^period +14 +2 to 100 +bars +Look-back of the average$/m)
      assert.match(stdout, /^shock +ratio +The last bar's true range/m)
      const [data] = JSON.parse((yield* endedInProcess({}, "tools", "atr", "--json")).stdout)
      assert.strictEqual(data.bars_needed, 15)
      assert.strictEqual(data.parameters.properties.period.maximum, 100)
    })
  )

  it.live("refuses a tool and an agent that there are not", () =>
    Effect.gen(function* () {
      const tool = yield* endedInProcess({}, "tools", "rsj")
      assert.notStrictEqual(tool.code, 0)
      assert.match(tool.stderr, /^conclave: <name> "rsj": "sma" \| /)
      assert.match((yield* endedInProcess({}, "tools", "--agent", "barber")).stderr, /--agent "barber"/)
    })
  )
})
