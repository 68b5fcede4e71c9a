import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import fc from "fast-check"
import { faultText, readDecision } from "../../../actors/model/decision.ts"
import type { Licence } from "../../../actors/model/reading.ts"
import { Vote } from "../../../protocols/index.ts"
import { decisionText } from "../../support/model-servers/decisions.ts"

const SOUND = {
  decision: "BUY",
  confidence: 0.6,
  probabilities: { BUY: 0.6, SELL: 0.1, HOLD: 0.3 },
  reasoning: "It rises."
}
const faultOf = (answer: unknown) => {
  const read = readDecision(typeof answer === "string" ? answer : JSON.stringify(answer))
  return Result.isFailure(read) ? faultText(read.failure) : "none"
}

const read = (answer: unknown) =>
  Result.getOrThrow(readDecision(typeof answer === "string" ? answer : JSON.stringify(answer)))

/** An answer as models write it, and in which way it is not what was asked for. */
const PATIENTLY: ReadonlyArray<readonly [name: string, answer: unknown, licences: ReadonlyArray<Licence>]> = [
  ["as it was asked for", SOUND, []],
  ["in a fence", `\n\`\`\`json\n${JSON.stringify(SOUND, undefined, 2)}\n\`\`\`\n`, ["surroundings"]],
  ["in a fence among words", `Sure!\n\`\`\`\n${JSON.stringify(SOUND)}\n\`\`\`\nI hope {this} helps.`, ["surroundings"]],
  ["among words", `Sure! ${JSON.stringify(SOUND)} That is all.`, ["surroundings"]],
  ["said twice", JSON.stringify(SOUND).repeat(2), ["surroundings"]],
  ["after thoughts", `<think>Should I? {"decision":"SELL"}</think>\n${JSON.stringify(SOUND)}`, ["surroundings"]],
  [
    "after thoughts that begin nowhere",
    `{"decision":"SELL"} or not\n</think>\n${JSON.stringify(SOUND)}`,
    ["surroundings"]
  ],
  ["after something else in braces", `My tools said {"rsi": 71}.\n${JSON.stringify(SOUND)}`, ["surroundings"]],
  ["as JSON in a text", JSON.stringify(JSON.stringify(SOUND)), ["json_as_text"]],
  ["in small letters", { ...SOUND, decision: "buy" }, ["letters"]],
  [
    "with members in capitals",
    { Decision: "BUY", CONFIDENCE: 0.6, Probabilities: SOUND.probabilities, reasoning: "It rises." },
    ["letters"]
  ],
  [
    "with numbers as text",
    { ...SOUND, confidence: "0.6", probabilities: { BUY: ".6", SELL: "0.1", HOLD: "0.3" } },
    ["numbers_as_text"]
  ],
  ["in percent", { ...SOUND, confidence: 60, probabilities: { BUY: 60, SELL: 10, HOLD: 30 } }, ["percent"]],
  [
    "with percent signs",
    { ...SOUND, confidence: "60%", probabilities: { BUY: "60 %", SELL: "10%", HOLD: "30%" } },
    ["numbers_as_text", "percent"]
  ],
  ["with confidence alone in percent", { ...SOUND, confidence: 60 }, ["percent"]],
  ["with null for what is not given", { ...SOUND, confidence: null }, ["nulls"]],
  ["with members too many", { ...SOUND, target_price: 12, stop: null }, ["extra_members"]],
  ["with reasons in a list", { ...SOUND, reasoning: ["It", "rises."] }, []]
]

describe("a model's answer", () => {
  it.each(PATIENTLY)("%s is a decision, and it is noted how it was read", (_, answer, licences) => {
    const { decision, ...rest } = read(answer)
    assert.deepStrictEqual(decision, SOUND)
    assert.deepStrictEqual(rest, { licences })
  })

  it("without a probability where the others are all there is has that at 0", () => {
    const { decision } = read({ ...SOUND, probabilities: { BUY: 0.6, HOLD: 0.4, SELL: null } })
    assert.deepStrictEqual(decision.probabilities, { BUY: 0.6, SELL: 0, HOLD: 0.4 })
  })

  it("without reasons has none, and too many are cut", () => {
    assert.strictEqual(read({ ...SOUND, reasoning: null }).decision.reasoning, "")
    assert.lengthOf(read({ ...SOUND, reasoning: "x".repeat(5_000) }).decision.reasoning, 2_000)
  })

  it.each<[string, unknown, string]>([
    ["a fourth decision", { ...SOUND, decision: "STRONG_BUY" }, "`decision` must be BUY, SELL or HOLD"],
    ["no decision", { ...SOUND, decision: null }, "`decision` must be BUY, SELL or HOLD"],
    ["confidence in words", { ...SOUND, confidence: "high" }, "`confidence` must be a number from 0 to 1"],
    ["a negative confidence", { ...SOUND, confidence: -0.6 }, "`confidence` must be a number from 0 to 1"],
    [
      "a probability too large",
      { ...SOUND, probabilities: { BUY: 1.4, SELL: 0, HOLD: 0 } },
      "`probabilities.BUY` must be a number from 0 to 1"
    ],
    [
      "probabilities that do not add up",
      { ...SOUND, probabilities: { BUY: 0.5, SELL: 0.1, HOLD: 0.1 } },
      "`probabilities` must add up to 1"
    ],
    ["a list", [SOUND], "the answer must be a JSON object"],
    [
      "two objects that differ",
      `${JSON.stringify(SOUND)} or ${JSON.stringify({ ...SOUND, decision: "HOLD" })}`,
      "the answer must be one JSON object: there are several, and they differ"
    ],
    [
      "thoughts that never end",
      `<think>${JSON.stringify(SOUND)}`,
      "the answer must be one JSON object and nothing else"
    ],
    ["nothing", "", "the answer must be one JSON object and nothing else"],
    ["null", "null", "the answer must be a JSON object"]
  ])("with %s is refused, with the field and the rule", (_, answer, fault) => {
    assert.strictEqual(faultOf(answer), fault)
  })

  it.each([
    ["another confidence", { ...SOUND, confidence: 0.99 }, "confidence", "BUY", 0.6, 0.99],
    ["no confidence at all in what it decides", { ...SOUND, confidence: 0 }, "confidence", "BUY", 0.6, 0],
    ["another decision", { ...SOUND, decision: "SELL", confidence: 0.99 }, "decision", "SELL", 0.1, "SELL"]
  ] as const)(
    "that contradicts itself by %s is taken for what it believes of its decision",
    (_, answer, field, decision, confidence, said) => {
      const { decision: taken, resolved } = read(answer)
      assert.deepStrictEqual([taken.decision, taken.confidence], [decision, confidence])
      assert.deepInclude(resolved, { field, said })
    }
  )

  it("without probabilities is taken for what its confidence leaves to the others", () => {
    const { decision, resolved } = read({ ...SOUND, probabilities: undefined })
    assert.closeTo(decision.probabilities.SELL, 0.2, 1e-12)
    assert.closeTo(decision.confidence, 0.6, 1e-12)
    assert.strictEqual(resolved?.field, "probabilities")
  })

  it("whose probabilities are rounded has them divided by their sum, and the confidence is that of the decision", () => {
    const { decision, resolved } = read({
      ...SOUND,
      confidence: 0.34,
      probabilities: { BUY: 0.34, SELL: 0.33, HOLD: 0.34 }
    })
    const { BUY, SELL, HOLD } = decision.probabilities
    assert.closeTo(BUY + SELL + HOLD, 1, 1e-12)
    assert.deepStrictEqual([decision.confidence, resolved], [BUY, undefined])
  })

  it("as a law: any sound decision is read as it was said", () => {
    const share = fc.double({ min: 0.34, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom("BUY" as const, "SELL" as const, "HOLD" as const), share, (decision, confidence) => {
        const { decision: said, resolved } = read(decisionText(decision, confidence))
        assert.deepStrictEqual([said.decision, resolved], [decision, undefined])
        assert.closeTo(said.confidence, confidence, 1e-12)
      })
    )
  })

  it("as a law: whatever it is, it is a valid decision that agrees with itself, or a fault with a rule; and nothing makes the reader throw", () => {
    const isVote = Schema.is(Vote)
    fc.assert(
      fc.property(answers, (text) => {
        const result = readDecision(text)
        if (Result.isFailure(result)) return assert.isAbove(result.failure.rule.length, 0)
        const { decision } = result.success
        assert.isTrue(isVote({ agent_id: "a", agent_type: "market_analyst", ...decision }), text)
        assert.strictEqual(decision.confidence, decision.probabilities[decision.decision])
      }),
      { numRuns: 2_000 }
    )
  })
})

const number = fc.oneof(fc.double(), fc.integer({ min: -10, max: 110 }), fc.double({ min: 0, max: 1 }))
const value = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 2, arbitrary: number.map((each) => `${each}${each > 1 ? "%" : ""}`) },
  fc.constantFrom(null, "high", "0.7", "70 %", true, [0.7]),
  fc.jsonValue()
)
const names = fc.constantFrom(
  "decision",
  "Decision",
  "confidence",
  "probabilities",
  "reasoning",
  "BUY",
  "__proto__",
  "x"
)
const object = fc.record(
  {
    decision: fc.oneof(fc.constantFrom("BUY", "sell", " HOLD ", "KEEP", null, 3), fc.jsonValue()),
    confidence: value,
    probabilities: fc.oneof(
      fc.record({ BUY: value, SELL: value, HOLD: value }, { requiredKeys: [] }),
      fc.tuple(fc.nat(100), fc.nat(100)).map(([a, b]) => ({ BUY: a, sell: b, HOLD: 100 - a - b })),
      value
    ),
    reasoning: fc.oneof(fc.string(), fc.array(fc.string()), fc.jsonValue())
  },
  { requiredKeys: [] }
)
const written = fc.oneof(object, fc.dictionary(names, value)).map((each) => JSON.stringify(each) ?? "")
const answers = fc.oneof(
  { weight: 6, arbitrary: written },
  fc
    .array(
      fc.oneof(written, fc.constantFrom("<think>", "</think>", "```json\n", "\n```", "{", "}", '"', "\\", "Sure! ")),
      { maxLength: 6 }
    )
    .map((parts) => parts.join("")),
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.integer({ min: 1, max: 8_000 }).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
  fc.integer({ min: 1, max: 16_000 }).map((count) => "{".repeat(count))
)
