import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { TOOLS, toolsOf } from "../../../actors/tools/registry.ts"
import { parametersJsonSchema, resultJsonSchema, useTool } from "../../../actors/tools/use.ts"
import { fieldsOf, toolsPage } from "../../../cli/evaluate/tools-page.ts"
import { type BarWindow, HOUSE_TYPES, type PastDecision, toWindow } from "../../../protocols/index.ts"
import { barsArbitrary } from "../../support/bars.ts"
import { normals, walkOf } from "../../support/tools.ts"

const ROOT = join(import.meta.dirname, "../../..")
const normal = normals(7)
const walk = walkOf(Array.from({ length: 127 }, () => 0.01 * normal()))
const until = (bars: BarWindow, count: number): BarWindow => ({
  time: bars.time.slice(0, count),
  open: bars.open.slice(0, count),
  high: bars.high.slice(0, count),
  low: bars.low.slice(0, count),
  close: bars.close.slice(0, count),
  volume: bars.volume.slice(0, count)
})
const pastOn = (bars: BarWindow, count = bars.time.length): ReadonlyArray<PastDecision> =>
  bars.time.slice(0, count).map((bar_time, index) => ({
    consensus_id: "01HNZX8JGFACFA36RBXDHEQN6E",
    bar_time,
    price: bars.close[index]!,
    decision: index % 3 === 0 ? "BUY" : index % 3 === 1 ? "SELL" : "HOLD",
    confidence: 0.7
  }))
const options = { executionId: "x", now: () => 0 }

describe("every tool", () => {
  it("has a name of its own, a meaning, a source, a warm-up, and substitutes that there are", () => {
    const names = TOOLS.map(({ name }) => name)
    assert.deepStrictEqual(names, [...new Set(names)])
    for (const { name, about, source, warmUp, substitutes } of TOOLS) {
      assert.match(name, /^[a-z][a-z_]*$/)
      assert.isAbove(about.length, 40, name)
      assert.isAbove(source.length, 20, name)
      assert.match(warmUp, /bars/, name)
      for (const each of substitutes) assert.include(names, each)
      assert.notInclude(substitutes, name)
    }
  })

  it("describes every parameter, with unit, default and bounds, and every field of its result with its unit", () => {
    for (const tool of TOOLS) {
      const parameters = fieldsOf(parametersJsonSchema(tool))
      assert.isAbove(parameters.length, 0, tool.name)
      for (const field of parameters) assert.isAbove(field.default.length, 0, `${tool.name}.${field.name}`)
      const numbers = parameters.filter(({ default: given }) => given !== "{}" && given !== "null")
      for (const field of numbers) assert.match(field.bounds, / to /, `${tool.name}.${field.name}`)
      assert.isAbove(fieldsOf(resultJsonSchema(tool)).length, 0, tool.name)
    }
  })

  it("measures from its warm-up on, and says how much it needs before it", () => {
    for (const tool of TOOLS) {
      const needed = tool.neededByDefault
      const short = until(walk, needed - 1)
      const early = useTool(tool, {}, { bars: short, past: pastOn(short) }, options)
      assert.strictEqual(early.error_kind, "insufficient_data", tool.name)
      assert.strictEqual(early.error_message, `${tool.name} needs ${needed} bars and has ${needed - 1}`)
      // Of decisions the review needs some more bars than of bars.
      const enough = until(walk, tool.name === "trade_review" ? needed + 8 : needed)
      const call = useTool(tool, {}, { bars: enough, past: pastOn(enough) }, options)
      assert.strictEqual(call.status, "success", `${tool.name}: ${call.error_message}`)
    }
  })

  it("gives a result as its schema says, the same each time and after JSON, on any bars; or says why not", () => {
    const bars = barsArbitrary({ minLength: 1, maxLength: 128, priceMax: 1.7e308 })
    fc.assert(
      fc.property(bars, (written) => {
        const input = { bars: toWindow(written), past: pastOn(toWindow(written)) }
        for (const tool of TOOLS) {
          const call = useTool(tool, {}, input, options)
          assert.deepStrictEqual(useTool(tool, {}, input, options), call)
          if (call.status === "success") {
            Schema.decodeUnknownSync(tool.result)(call.result, { onExcessProperty: "error" })
            assert.deepStrictEqual(JSON.parse(JSON.stringify(call.result)), call.result, tool.name)
          } else assert.include(["insufficient_data", "not_finite"], call.error_kind, call.error_message ?? "")
        }
      }),
      { numRuns: 60 }
    )
  })

  it("measures every window of ordinary prices, and what is a share does not depend on the price's unit", () => {
    const bars = barsArbitrary({ minLength: 60, maxLength: 128, priceMax: 1e6 })
    fc.assert(
      fc.property(bars, fc.constantFrom(0.25, 4, 1024), (written, factor) => {
        const scaled = written.map((bar) => ({
          ...bar,
          open: bar.open * factor,
          high: bar.high * factor,
          low: bar.low * factor,
          close: bar.close * factor
        }))
        for (const tool of TOOLS) {
          const isPrice = (name: string) =>
            fieldsOf(resultJsonSchema(tool)).some((field) => field.name === name && field.unit === "price")
          const [one, other] = [written, scaled].map((each) => {
            const window = toWindow(each)
            const call = useTool(tool, {}, { bars: window, past: pastOn(window) }, options)
            assert.strictEqual(call.status, "success", `${tool.name}: ${call.error_message}`)
            return new Map(Object.entries(call.result ?? {}))
          })
          for (const [name, value] of one!) {
            if (typeof value !== "number") continue
            const expected = isPrice(name) ? value * factor : value
            const found: unknown = other!.get(name)
            assert.closeTo(Number(found), expected, 1e-6 * Math.max(1, Math.abs(expected)), `${tool.name}.${name}`)
          }
        }
      }),
      { numRuns: 40 }
    )
  })
})

describe("the registry", () => {
  it("lists tools for every type of agent, and all of them for the panel as one", () => {
    for (const type of HOUSE_TYPES) {
      assert.isAbove(toolsOf(type).length, 4, type)
      for (const tool of toolsOf(type)) assert.include(TOOLS, tool)
    }
    assert.deepStrictEqual(toolsOf("comprehensive"), TOOLS)
    const singles = HOUSE_TYPES.filter((type) => type !== "comprehensive").flatMap(toolsOf)
    for (const tool of TOOLS) assert.include(singles, tool, "some agent uses it")
  })

  it("is what docs/TOOLS.md says", () => {
    // Made anew by: node cli/main.ts tools --markdown > docs/TOOLS.md
    assert.strictEqual(readFileSync(join(ROOT, "docs/TOOLS.md"), "utf8"), toolsPage(TOOLS))
  })
})
