import { assert, describe, it } from "@effect/vitest"
import { forTerminal } from "../../cli/escaping.ts"
import { conversationText, shownEvent } from "../../cli/operate/conversation-text.ts"
import { letterRows } from "../../cli/operate/letters.ts"
import { analysisText, decisionLine, sureness } from "../../cli/print.ts"
import { dataText, table } from "../../cli/table.ts"

/** Sets a title, clears the screen, colours, begins a line of its own, turns around what follows, and the same in C1. */
const HOSTILE = "\u001b]0;owned\u0007\u001b[2J\u001b[31mred\u202eback\u200b\u2066\u009b2J\u007f\u0000\rACME: BUY 1.00"
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/

const ID = "01HNZX8JGFACFA36RBXDHEQN8B"
const vote = {
  ...{ agent_id: HOSTILE, agent_type: "oracle", decision: "BUY" as const, confidence: 0.5 },
  reasoning: `${HOSTILE}\nACME: SELL 1.00 by consensus`
}
const times = { opened_at: "2024-01-01T00:00:00.000Z", closed_at: "2024-01-01T00:00:01.000Z" }
const event = (type: string, data: object) => {
  const shown = shownEvent(JSON.stringify({ type, data }))
  return shown._tag === "Some" ? conversationText(shown.value) : assert.fail(`${type} is not shown`)
}

describe("a text of others on a terminal", () => {
  it("says a strength beside the confidence where there is one", () => {
    assert.strictEqual(sureness({ confidence: 0.274, strength: 0.551 }), "0.27 (strength 0.55)")
    assert.strictEqual(sureness({ confidence: 0.274 }, 4), "0.2740")
  })

  it("steers nothing, and means what it meant in JSON", () => {
    assert.notMatch(forTerminal(HOSTILE), STEERING)
    assert.strictEqual(forTerminal("a\n\tb ä 漢字 😀"), "a\n\tb ä 漢字 😀")
    assert.strictEqual(forTerminal("\u001b[2J\u202e"), "\\u001b[2J\\u202e")
    const json = JSON.stringify({ text: `${HOSTILE}\u{e0001}` })
    assert.deepStrictEqual(JSON.parse(forTerminal(json)), JSON.parse(json))
  })

  it("steers nothing in whatever is printed of an analysis, a decision, a conversation, letters and data", () => {
    const analysis = analysisText({
      ...{ symbol: "ACME", final_recommendation: "BUY", confidence: 0.5, consensus_id: ID, consensus_achieved: true },
      ...{ votes: [vote], missing_agents: [HOSTILE], correlation_id: "c" }
    })
    const decision = decisionLine(
      {
        data: {
          payload: {
            ...{ consensus_id: ID, symbol: "ACME", correlation_id: "c", final_decision: "BUY", confidence: 0.5 },
            ...{ consensus_achieved: true, method: "unanimous", closed_by: "deadline", votes: [vote], ...times },
            abstentions: [{ agent_id: HOSTILE, agent_type: "oracle", reason: HOSTILE }],
            ...{ participating_agents: [], missing_agents: [HOSTILE], bar_time: times.opened_at, price: 1 }
          }
        }
      },
      0
    )
    const letter = {
      ...{ sequence: 1, owner: { type: "coordinator", id: "ACME" }, message: HOSTILE, time: 0, cause: HOSTILE },
      ...{ mail: undefined, failure: undefined, attempts: undefined },
      original: { text: HOSTILE }
    }
    const alert = { severity: "warning", code: "c", message: HOSTILE, timestamp: times.opened_at }
    const shown = [
      ...[analysis, decision ?? "", event("alert", alert), letterRows([letter]), dataText({ text: HOSTILE })],
      table(["NAME"], [[HOSTILE], ["a\nb"]])
    ]
    for (const text of shown) assert.notMatch(text.replaceAll("\n", ""), STEERING)
    assert.include(analysis, "ACME: BUY 0.50 by consensus")
    assert.include(decision ?? "", "BUY  0.50  ")
    assert.lengthOf(analysis.split("\n"), 4, "and no line is forged")
    assert.lengthOf(table(["NAME"], [["a\nb"]]).split("\n"), 2)
  })
})
