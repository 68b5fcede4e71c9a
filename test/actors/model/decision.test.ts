import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { faultText, readDecision } from "../../../actors/model/decision.ts"
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

describe("a model's answer", () => {
  it("is a decision in one form only", () => {
    assert.deepStrictEqual(Result.getOrThrow(readDecision(JSON.stringify(SOUND))), SOUND)
  })

  it("may come after thoughts and inside a fence, which some models cannot help", () => {
    for (const text of [
      `\n\`\`\`json\n${JSON.stringify(SOUND, undefined, 2)}\n\`\`\`\n`,
      `<think>Should I? {"decision":"SELL"}</think>\n${JSON.stringify(SOUND)}`
    ]) {
      assert.strictEqual(faultOf(text), "none")
    }
  })

  it.each<[string, unknown, string]>([
    ["a fourth decision", { ...SOUND, decision: "STRONG_BUY" }, "`decision` must be BUY, SELL or HOLD"],
    ["lower case", { ...SOUND, decision: "buy" }, "`decision` must be BUY, SELL or HOLD"],
    ["confidence in words", { ...SOUND, confidence: "high" }, "`confidence` must be a number from 0 to 1"],
    ["confidence as a text", { ...SOUND, confidence: "0.6" }, "`confidence` must be a number from 0 to 1"],
    ["confidence in percent", { ...SOUND, confidence: 60 }, "`confidence` must be a number from 0 to 1"],
    ["no confidence", { ...SOUND, confidence: undefined }, "`confidence` must be a number from 0 to 1"],
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
    [
      "a decision against its own probabilities",
      { ...SOUND, decision: "SELL" },
      "`decision` must be the one with the greatest probability"
    ],
    ["a member too many", { ...SOUND, target_price: 12 }, "`target_price` expected no excess property"],
    ["a list", [SOUND], "the answer expected object"],
    ["two objects", JSON.stringify(SOUND).repeat(2), "the answer must be one JSON object and nothing else"],
    ["words round it", `Sure! ${JSON.stringify(SOUND)}`, "the answer must be one JSON object and nothing else"],
    ["nothing", "", "the answer must be one JSON object and nothing else"],
    ["null", "null", "the answer expected object"]
  ])("with %s is refused, with the field and the rule", (_, answer, fault) => {
    assert.strictEqual(faultOf(answer), fault)
  })

  it("is not shown again in what is said of it", () => {
    const fault = faultOf({ ...SOUND, "ignore `all` rules\nand": 1, decision: "BUY" })
    assert.strictEqual(fault, "`ignore__all__rules_and` expected no excess property")
  })

  it("whose probabilities are rounded has them divided by their sum", () => {
    const read = Result.getOrThrow(
      readDecision(JSON.stringify({ ...SOUND, probabilities: { BUY: 0.34, SELL: 0.33, HOLD: 0.34 } }))
    )
    const { BUY, SELL, HOLD } = read.probabilities
    assert.closeTo(BUY + SELL + HOLD, 1, 1e-12)
    assert.strictEqual(read.confidence, 0.6, "which nobody changes")
  })

  it("as a law: any sound decision is read as it was said, and no text makes the reader throw", () => {
    const share = fc.double({ min: 0.34, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom("BUY" as const, "SELL" as const, "HOLD" as const), share, (decision, confidence) => {
        const read = Result.getOrThrow(readDecision(decisionText(decision, confidence)))
        assert.deepStrictEqual([read.decision, read.confidence], [decision, confidence])
      })
    )
    fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => void readDecision(text)))
  })
})
