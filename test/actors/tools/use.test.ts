import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { TOOLS } from "../../../actors/tools/registry.ts"
import { defineTool, reading, wholeNumber } from "../../../actors/tools/tool.ts"
import { INPUT_LENGTH_MAX, parametersJsonSchema, useTool } from "../../../actors/tools/use.ts"
import { ToolCall, toWindow } from "../../../protocols/index.ts"
import { dailyBars } from "../../support/bars.ts"

const bars = toWindow(dailyBars(Array.from({ length: 100 }, (_, index) => 100 + 5 * Math.sin(index / 4))))
const input = { bars, past: [] }
const options = { executionId: "round.agent.tool", now: () => 0 }
const toolNamed = (name: string) => TOOLS.find((tool) => tool.name === name)!

const broken = (compute: () => { value: number }) =>
  defineTool({
    name: "broken",
    about: "Breaks.",
    source: "a test",
    warmUp: "1 bars",
    substitutes: [],
    parameters: Schema.Struct({ period: wholeNumber(1, 1, 2, "None", "bars") }),
    result: Schema.Struct({ value: reading("A value", "1") }),
    needed: () => 1,
    compute
  })

describe("using a tool", () => {
  it("records what was given and found, and the time it took by the clock given", () => {
    const times = [5, 7.5]
    const call = useTool(toolNamed("rsi"), { period: 10 }, input, { executionId: "a.rsi", now: () => times.shift()! })
    assert.strictEqual(call.status, "success")
    assert.deepStrictEqual(call.input, { period: 10 })
    assert.strictEqual(call.execution_time_ms, 2.5)
    assert.strictEqual(call.execution_id, "a.rsi")
    assert.strictEqual(call.tool_name, "rsi")
    assert.notDeepEqual(call.result, useTool(toolNamed("rsi"), {}, input, options).result)
  })

  it("names the field and the rule of parameters that break one", () => {
    const said = (parameters: unknown) => {
      const { error_kind, error_message, status, result } = useTool(toolNamed("rsi"), parameters, input, options)
      assert.deepStrictEqual([status, result, error_kind], ["failed", null, "invalid_input"])
      return error_message
    }
    assert.strictEqual(said({ period: 1 }), "rsi: period: expected a value between 2 and 100")
    assert.strictEqual(said({ period: 14.5 }), "rsi: period: expected an integer")
    assert.strictEqual(said({ period: "14" }), "rsi: period: expected number")
    assert.strictEqual(said({ peroid: 14 }), "rsi: peroid: expected no excess property")
    assert.strictEqual(said(null), "rsi: the parameters: expected object")
    const limits = useTool(toolNamed("risk_limits"), { weights: { A: 1, B: 99 } }, input, options)
    assert.strictEqual(limits.error_message, "risk_limits: weights.B: expected a value between -10 and 10")
  })

  it("says what there is too little of", () => {
    const few = useTool(toolNamed("macd"), {}, { bars: toWindow(dailyBars([1, 2, 3])), past: [] }, options)
    assert.deepStrictEqual([few.error_kind, few.error_message], ["insufficient_data", "macd needs 34 bars and has 3"])
    const past = useTool(toolNamed("trade_review"), { minimum: 4 }, input, options)
    assert.strictEqual(past.error_message, "trade_review needs 4 past decisions and has 0")
  })

  it("says when the result is no number, and when the tool is broken", () => {
    const infinite = useTool(
      broken(() => ({ value: 1 / 0 })),
      {},
      input,
      options
    )
    assert.strictEqual(infinite.error_kind, "not_finite")
    const thrown = useTool(
      broken(() => {
        throw new Error("a bolt fell out")
      }),
      {},
      input,
      options
    )
    assert.deepStrictEqual([thrown.error_kind, thrown.error_message], ["defect", "broken is broken: a bolt fell out"])
    const huge = toWindow(dailyBars(Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 1e300 : 1))))
    const bands = useTool(toolNamed("bollinger"), {}, { bars: huge, past: [] }, options)
    assert.strictEqual(bands.error_kind, "not_finite")
  })

  it("never throws, whatever is given, and its record is sound and short", () => {
    const decode = Schema.decodeUnknownSync(ToolCall)
    const circle: { self?: unknown } = {}
    circle.self = circle
    const anything = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
      fc.constant(circle),
      fc.constant({ text: "x".repeat(10_000) })
    )
    fc.assert(
      fc.property(fc.constantFrom(...TOOLS), anything, (tool, parameters) => {
        const call = decode(useTool(tool, parameters, input, options))
        const text = JSON.stringify(call.input)
        assert.isAtMost(text.length, 2 * INPUT_LENGTH_MAX)
        assert.deepStrictEqual(JSON.parse(text), call.input)
        if (call.status === "failed") assert.include(["invalid_input", "insufficient_data"], call.error_kind)
      }),
      { numRuns: 300 }
    )
  })

  it("takes any parameters that the JSON Schema given to models allows", () => {
    const Bounds = Schema.Struct({
      properties: Schema.Record(
        Schema.String,
        Schema.Struct({ minimum: Schema.optionalKey(Schema.Finite), maximum: Schema.optionalKey(Schema.Finite) })
      )
    })
    for (const tool of TOOLS) {
      const { properties } = Schema.decodeUnknownSync(Bounds)(parametersJsonSchema(tool))
      for (const [name, { minimum, maximum }] of Object.entries(properties)) {
        for (const bound of [minimum, maximum]) {
          if (bound === undefined) continue
          const at = useTool(tool, { [name]: bound }, input, options)
          assert.notStrictEqual(at.error_kind, "invalid_input", `${tool.name}.${name} ${bound}`)
          assert.include(["success", "insufficient_data"], at.error_kind ?? at.status)
        }
      }
    }
  })

  it("gives models a schema that refuses what is not there, and names defaults", () => {
    assert.deepStrictEqual(parametersJsonSchema(toolNamed("rsi")), {
      type: "object",
      properties: {
        period: {
          type: "integer",
          minimum: 2,
          maximum: 100,
          description: "Look-back of the averages (bars)",
          default: 14
        }
      },
      additionalProperties: false
    })
  })
})
