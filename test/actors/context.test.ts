import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { WAITING_CONTEXT_BYTES_MAX } from "../../actors/coordinator/actor.ts"
import { State } from "../../actors/coordinator/state.ts"
import {
  CONTEXT_BYTES_MAX,
  CONTEXT_ITEMS_MAX,
  CONTEXT_TEXT_MAX,
  type ContextItem,
  ContextItems,
  CoordinatorProtocol,
  contextBytes,
  OpinionRequest,
  PAST_DECISIONS_MAX
} from "../../protocols/index.ts"
import { openPanel, prices } from "../support/panel.ts"

const item = (time: number, text = "profit warning"): ContextItem => ({ kind: "news", source: "wire", time, text })
const decodeState = Schema.decodeUnknownSync(State)
const isItems = Schema.is(ContextItems)

/** What the agents were asked that have not answered. */
const requests = ({ world }: ReturnType<typeof openPanel>) =>
  [...world.activities.values()].map(({ input }) => Schema.decodeUnknownSync(OpinionRequest)(input))

const stateOf = ({ world }: ReturnType<typeof openPanel>) => decodeState(world.state("coordinator/ACME"))

describe("the context of an analysis", () => {
  it("goes to every agent that is asked, at once or when its turn has come", () => {
    const panel = openPanel()
    panel.bar(3)
    const now = prices[3]!.time
    panel.analyze("waits", undefined, [item(now), item(now - 1)])
    assert.deepStrictEqual(
      requests(panel).map(({ context }) => context),
      [undefined, undefined, undefined]
    )
    panel.panelAnswers()
    assert.deepStrictEqual(
      requests(panel).map(({ context }) => context),
      Array.from({ length: 3 }, () => [item(now), item(now - 1)])
    )
    panel.world.runActivities()
    panel.analyze("at_once", prices.slice(0, 2), [item(prices[1]!.time)])
    assert.deepStrictEqual(requests(panel)[0]?.context, [item(prices[1]!.time)])
    assert.deepStrictEqual(stateOf(panel).waiting, [])
  })

  it("is refused where an item is later than the last bar, of the request or of the symbol, and says which", () => {
    const panel = openPanel()
    panel.bar(3)
    panel.world.runActivities()
    const late = [item(prices[3]!.time), item(prices[3]!.time + 1)]
    const body = { _tag: "LookAhead", symbol: "ACME", index: 1, time: prices[3]!.time + 1, bar_time: prices[3]!.time }
    assert.deepStrictEqual(panel.analyze("late", undefined, late), { outcome: "error", body })
    const given = { ...body, index: 0, time: prices[3]!.time, bar_time: prices[2]!.time }
    assert.deepStrictEqual(panel.analyze("older_bars", prices.slice(0, 3), late)?.body, given)
    assert.strictEqual(panel.status().analyzing, null)
  })

  it("is bounded: in each request, and in all that wait", () => {
    const most = Math.floor(CONTEXT_BYTES_MAX / CONTEXT_TEXT_MAX)
    const items = Array.from({ length: most - 1 }, () => item(0, "x".repeat(CONTEXT_TEXT_MAX)))
    assert.isTrue(isItems(items))
    assert.isFalse(isItems([...items, ...items.slice(0, 2)]), "too many bytes")
    assert.isFalse(isItems(Array.from({ length: CONTEXT_ITEMS_MAX + 1 }, () => item(0))), "too many items")
    const panel = openPanel()
    panel.bar(0)
    const fit = Math.floor(WAITING_CONTEXT_BYTES_MAX / contextBytes(items))
    for (let index = 0; index < fit; index++) assert.isUndefined(panel.analyze(`fits${index}`, undefined, items))
    assert.deepInclude(panel.analyze("too_much", undefined, items)?.body, { _tag: "CoordinatorBusy", waiting: fit })
    assert.isUndefined(panel.analyze("without", undefined))
  })
})

describe("the deadline that agents are told", () => {
  const deadlines = (panel: ReturnType<typeof openPanel>) =>
    requests(panel).map(({ deadline }) => (deadline ?? Number.NaN) - panel.world.now)

  it("is when the round takes its last votes: by the options, or sooner by the request", () => {
    const panel = openPanel()
    panel.bar(0)
    assert.deepStrictEqual(deadlines(panel), [5_000, 5_000, 5_000])
    panel.world.runActivities()
    panel.world.ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: "soon", timeout_ms: 700 })
    assert.deepStrictEqual(deadlines(panel), [700, 700, 700])
  })

  it("is the agent's own where the round gives it less", () => {
    const panel = openPanel()
    panel.bar(0)
    panel.world.runActivities()
    const invited = [
      { agent_id: "market_analyst_ACME", agent_type: "market_analyst", agent_timeout_ms: 300 },
      { agent_id: "risk_advisor_ACME", agent_type: "risk_advisor" }
    ]
    const request = { correlation_id: "c", invited, agent_timeout_ms: 800, timeout_ms: 60_000 }
    panel.world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request })
    assert.deepStrictEqual(deadlines(panel), [300, 800])
  })
})

describe("the past of a symbol", () => {
  it("is told to the agents, oldest first, as far as the bars they see", () => {
    const panel = openPanel()
    for (let index = 0; index < 3; index++) {
      panel.bar(index)
      const [first, ...others] = requests(panel)
      assert.lengthOf(others, 2)
      assert.deepStrictEqual(
        (first!.past ?? []).map(({ bar_time, price, decision }) => [bar_time, price, decision]),
        prices.slice(0, index).map(({ time, close }) => [time, close, "BUY"])
      )
      panel.world.runActivities()
    }
    panel.analyze("older_bars", prices.slice(0, 2))
    assert.deepStrictEqual(
      requests(panel)[0]!.past?.map(({ price }) => price),
      [100, 101]
    )
    panel.world.runActivities()
    assert.lengthOf(stateOf(panel).past ?? [], 3, "what came with a request is no past")
    panel.world.ask(CoordinatorProtocol, "ACME", "RequestConsensus", { request: { correlation_id: "c" } })
    assert.deepStrictEqual(
      requests(panel)[0]!.past?.map(({ price }) => price),
      [100, 101, 102]
    )
  })

  it("is the latest decisions, and none that was cancelled", () => {
    const panel = openPanel()
    for (let index = 0; index < PAST_DECISIONS_MAX + 2; index++) {
      panel.bar(index)
      panel.world.runActivities()
    }
    const { past = [] } = stateOf(panel)
    assert.lengthOf(past, PAST_DECISIONS_MAX)
    assert.deepInclude(past.at(-1), { price: 100 + PAST_DECISIONS_MAX + 1, decision: "BUY" })
    panel.bar(PAST_DECISIONS_MAX + 2, "unwanted")
    panel.world.ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id: "unwanted", reason: "" })
    assert.strictEqual(panel.status().analyzing, null)
    assert.deepStrictEqual(stateOf(panel).past, past)
  })
})

describe("a message to an agent", () => {
  it("is published where the symbol's agents and people look", () => {
    const { world } = openPanel()
    const message = { sender_agent_id: "client:ada", recipient_agent_id: "oracle_1", text: "look at the news" }
    assert.deepStrictEqual(world.ask(CoordinatorProtocol, "ACME", "Message", { message })?.body, { accepted: true })
    const { text, ...sent } = message
    assert.deepInclude(world.seen("coordination.message.ACME")[0], {
      ...sent,
      message_type: "message",
      payload: { symbol: "ACME", text }
    })
  })
})
