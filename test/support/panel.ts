import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allActors } from "../../actors/index.ts"
import {
  AnalysisResult,
  type Bar,
  ConsensusResult,
  type ContextItem,
  CoordinatorProtocol,
  CoordinatorStatus,
  toWindow
} from "../../protocols/index.ts"
import { dailyBars, opinionOf, PANEL } from "./bars.ts"
import { Decider } from "./decider.ts"

export const prices = dailyBars(Array.from({ length: 200 }, (_, index) => 100 + index))
export const OPTIONS = { panel: PANEL, roundTimeoutMillis: 5000, minConfidence: 0.6 }

const Announcement = Schema.Struct({ payload: ConsensusResult })
const LastBar = Schema.Struct({ payload: Schema.Struct({ bar_time: Schema.String, price: Schema.Finite }) })

/** A coordinator for ACME with its panel and rounds, and short words for what a test does with them. */
export const openPanel = () => {
  const world = new Decider(allActors({ policy: () => Effect.succeed(opinionOf("BUY", 0.8)), ...OPTIONS }))
  const bar = (index: number, name?: string) =>
    world.ask(CoordinatorProtocol, "ACME", "Bar", { bar: prices[index]! }, name)
  const analyze = (name: string, bars?: ReadonlyArray<Bar>, context?: ReadonlyArray<ContextItem>) => {
    const payload = {
      correlation_id: name,
      ...(bars === undefined ? {} : { bars: toWindow(bars) }),
      ...(context === undefined ? {} : { context })
    }
    return world.ask(CoordinatorProtocol, "ACME", "Analyze", payload, name)
  }
  const status = () =>
    Schema.decodeUnknownSync(CoordinatorStatus)(world.ask(CoordinatorProtocol, "ACME", "GetStatus", {})?.body)
  const decisions = () =>
    world.seen("coordination.final_decision.ACME").map((data) => ({
      ...Schema.decodeUnknownSync(Announcement)(data).payload,
      ...Schema.decodeUnknownSync(LastBar)(data).payload
    }))
  const answer = (name: string) => {
    const found = world.answers.get(name)
    assert.strictEqual(found?.outcome, "ok")
    return Schema.decodeUnknownSync(AnalysisResult)(found?.body)
  }
  /** Lets the panel answer what it has been asked so far, and no more. */
  const panelAnswers = () => {
    for (const { owner, key } of [...world.activities.values()]) {
      world.succeed(`${owner.type}/${owner.id}`, key, opinionOf("BUY", 0.8))
    }
  }
  return { world, bar, analyze, status, decisions, answer, panelAnswers }
}
