import { assert, describe, it } from "@effect/vitest"
import { recover } from "../../actors/coordinator/recovering.ts"
import { evolve, initial, type State } from "../../actors/coordinator/state.ts"
import { agentProtocol, CoordinatorProtocol, toWindow } from "../../protocols/index.ts"
import { opinionOf } from "../support/bars.ts"
import type { Decider } from "../support/decider.ts"
import { openPanel, prices } from "../support/panel.ts"

describe("what one client asks for", () => {
  const ask = (world: Decider, subject: string, name: string, more: object = {}) =>
    world.ask(
      CoordinatorProtocol,
      "ACME",
      "Analyze",
      { correlation_id: name, client: { subject, trades: false }, ...more },
      name
    )

  it("leaves room in the line of a symbol, and among what an agent works on, for others", () => {
    const { world, bar, request } = { ...openPanel(), request: { correlation_id: "r" } }
    bar(0)
    for (const name of ["1", "2", "3", "4"]) assert.isUndefined(ask(world, "mallory", name))
    assert.deepInclude(ask(world, "mallory", "5")?.body, { _tag: "CoordinatorBusy" })
    assert.isUndefined(ask(world, "ada", "6"))
    for (let count = 0; count < 10; count++) {
      world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request }, `r${count}`)
    }
    const working = [...world.activities.values()].filter(({ owner }) => owner.type === "risk_advisor")
    assert.lengthOf(working, 5, "that of the bar, and four that were asked for")
  })

  it("comes from somewhere, where nobody says who it is, and leaves room in the line for what comes from elsewhere", () => {
    const { world, bar } = openPanel()
    bar(0)
    const from = (address: string | undefined, name: string) =>
      world.ask(
        CoordinatorProtocol,
        "ACME",
        "Analyze",
        { correlation_id: name, ...(address === undefined ? {} : { address }) },
        name
      )
    for (let count = 0; count < 8; count++) assert.isUndefined(from("127.0.0.1", `a${count}`))
    assert.deepInclude(from("127.0.0.1", "a8")?.body, { _tag: "CoordinatorBusy" })
    assert.isUndefined(from("127.0.0.2", "b"))
    assert.isUndefined(from(undefined, "house"))
  })

  it("says nothing of the tools, where the bars are its own", () => {
    const { world } = openPanel()
    const [call] = ["x"].map((execution_id) => ({
      ...{ execution_id, tool_name: "rsi", status: "failed" as const, execution_time_ms: 1, result: null },
      ...{ error_kind: "not_finite" as const, error_message: "no number" }
    }))
    const failing = { ...opinionOf("BUY", 0.8), tool_calls: [call!] }
    const used = () => world.journal("feedback/market_analyst:rsi").length
    for (const [subject, expected] of [
      ["mallory", 0],
      [undefined, 1]
    ] as const) {
      const bars = toWindow(prices.slice(0, 60))
      const name = subject ?? "house"
      if (subject === undefined) {
        world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: name, bars }, name)
      } else ask(world, subject, name, { bars })
      for (const { owner, key } of [...world.activities.values()]) {
        world.succeed(`${owner.type}/${owner.id}`, key, failing)
      }
      assert.strictEqual(used(), expected)
    }
  })
})

describe("an outcome that cannot be processed", () => {
  it("holds no place, and the agent abstains", () => {
    const { world, bar, status } = openPanel()
    bar(0)
    const key = status().analyzing!
    for (const type of ["market_analyst", "risk_advisor", "strategy_optimizer"] as const) {
      world.activities.delete(`${type}/ACME#${key}`)
      world.ask(agentProtocol(type), "ACME", "Failed", { key })
      world.ask(agentProtocol(type), "ACME", "Failed", { key: "" })
    }
    assert.deepInclude(status(), { analyzing: null, decisions: 1 })
    assert.deepInclude(world.state("risk_advisor/ACME"), { requests: [] })
  })
})

describe("an end of an analysis that cannot be processed", () => {
  it("keeps nobody waiting: who asked is told, and what waits begins", () => {
    const { world, bar, analyze, status, panelAnswers } = openPanel()
    bar(0)
    panelAnswers()
    analyze("lost")
    analyze("next")
    bar(1)
    const before = status().analyzing
    world.ask(CoordinatorProtocol, "ACME", "Failed", { message: "RoundClosed" })
    assert.deepInclude(world.answers.get("lost")?.body, { _tag: "AnalysisLost" })
    assert.isNotNull(status().analyzing)
    assert.notStrictEqual(status().analyzing, before)
    for (let rounds = 0; rounds < 3; rounds++) panelAnswers()
    assert.strictEqual(world.answers.get("next")?.outcome, "ok")
    assert.deepInclude(status(), { analyzing: null, waiting: 0 })
  })

  it("gives up who waits first, where that is what cannot be begun, and nobody for another failure", () => {
    const asked = (id: number) => ({ id, correlation_id: `c${id}`, reply_to: null, bars: null })
    const recovered = (message: string) => {
      let state: State = { ...initial(), waiting: [asked(1), asked(2)] }
      const said: Array<unknown> = []
      const step = {
        ...{ self: { type: "coordinator", id: "ACME" }, time: 0, sequence: 9, messageId: "m", correlationId: "c" },
        ...{ from: "", replyTo: undefined, random: () => 0, reply: () => {}, refuse: () => {} },
        get state() {
          return state
        },
        persist: (tag: string, fields: { readonly ids?: ReadonlyArray<number> }) => {
          said.push({ tag, fields })
          state = evolve.AnalysisDropped(state, { ids: fields.ids ?? [] })
          return state
        },
        add: (...operations: ReadonlyArray<unknown>) => void said.push(...operations)
      }
      recover(step, message)
      return said
    }
    const [dropped, ...more] = recovered("Resume")
    assert.deepStrictEqual(dropped, { tag: "AnalysisDropped", fields: { ids: [1] } })
    assert.deepInclude(more.at(-1), { op: "send", message: "Resume" })
    for (const message of ["Bar", "Analyze", "Failed", "RoundClosed"]) {
      assert.deepStrictEqual(recovered(message), [], message)
    }
  })
})
