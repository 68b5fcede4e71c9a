import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { useRequested } from "../../../actors/agent/tool-activity.ts"
import { withoutThoughts } from "../../../actors/model/reading.ts"
import { TOOLS } from "../../../actors/tools/registry.ts"
import { parametersJsonSchema } from "../../../actors/tools/use.ts"
import { ToolCall, toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"

const bars = toWindow(dailyBars(Array.from({ length: 100 }, (_, index) => 100 + 3 * Math.sin(index / 5))))
const use = (name: string, input: unknown) => useRequested(TOOLS, { id: "t", name, input }, { bars }, "e", () => 0)
const isCall = Schema.is(ToolCall)
const names = fc.constantFrom("period", "Period", "slow_period", "weights", "symbol", "__proto__", "")

describe("what a model gives to a tool", () => {
  it("as a law: numbers in quotes, nulls, JSON in a text and members too many give what the bare numbers give", () => {
    for (const tool of TOOLS) {
      const { properties } = Schema.decodeUnknownSync(
        Schema.Struct({ properties: Schema.Record(Schema.String, Schema.Struct({ default: Schema.Unknown })) })
      )(parametersJsonSchema(tool))
      const plain = Object.entries(properties).map(([name, { default: value }]) => [name, value] as const)
      const quoted = plain.map(([name, value]) => [name, typeof value === "number" ? `${value}` : value] as const)
      const expected = use(tool.name, {}).result
      for (const given of [Object.fromEntries(quoted), JSON.stringify(Object.fromEntries(quoted)), null, "", "{}"]) {
        assert.deepStrictEqual(use(tool.name, given).result, expected, tool.name)
      }
      const nulls = { ...Object.fromEntries(plain.map(([name]) => [name, null])), symbol: "XYZ" }
      const { result, ignored } = use(tool.name, nulls)
      assert.deepStrictEqual([result, ignored], [expected, ["symbol"]], tool.name)
    }
  })

  it("as a law: whatever it is, the tool is used or says why not, and nothing throws", () => {
    const given = fc.oneof(
      fc.anything(),
      fc.json(),
      fc.dictionary(names, fc.oneof(fc.jsonValue(), fc.constantFrom("14", "1e3", "7%")))
    )
    fc.assert(
      fc.property(fc.constantFrom(...TOOLS.map(({ name }) => name), "moon_phase"), given, (name, input) => {
        const call = use(name, input)
        assert.isTrue(isCall(call))
        assert.strictEqual(call.status === "success", call.error_kind === undefined)
      }),
      { numRuns: 500 }
    )
  })

  it("may come after thoughts, which are read in a line even where there are very many", () => {
    assert.strictEqual(withoutThoughts("<think>a</think>b</thought> c"), " c")
    assert.strictEqual(withoutThoughts("<THINK>never"), "")
    assert.strictEqual(withoutThoughts("<think>".repeat(100_000)), "")
  })
})
