import { Schema } from "effect"
import { type FeedbackOptions, feedbackActor } from "../../actors/feedback/feedback.ts"
import type { Execution } from "../../actors/feedback/state.ts"
import { FeedbackProtocol, ToolReport, type ToolUse } from "../../protocols/index.ts"
import type { Actor } from "../../runtime/index.ts"
import { Decider } from "./decider.ts"

export const TRACKER = "market_analyst:rsi"

export const useOf = (more: Partial<ToolUse> = {}): ToolUse => ({
  execution_id: "e1",
  symbol: "ACME",
  status: "success",
  execution_time_ms: 1,
  features: {},
  ...more
})

/** A failure of the tool itself. */
export const FAILED: Partial<ToolUse> = { status: "failed", error_kind: "defect", error_message: "it broke" }

export const executionOf = (more: Partial<Execution> = {}): Execution => ({
  at: 0,
  status: "success",
  ms: 1,
  features: {},
  ...more
})

/** A tracker of a test's own, and short words for what it is told. */
export const openTracker = (options: Partial<FeedbackOptions> = {}, ...others: ReadonlyArray<Actor>) => {
  const world = new Decider([feedbackActor(options), ...others])
  return {
    world,
    use: (more: Partial<ToolUse> = {}) => world.ask(FeedbackProtocol, TRACKER, "Used", { use: useOf(more) }),
    report: () => Schema.decodeUnknownSync(ToolReport)(world.ask(FeedbackProtocol, TRACKER, "GetReport", {})?.body)
  }
}
