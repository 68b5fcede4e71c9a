// What an agent tells the trackers of its tools and models.
import {
  type AgentType,
  FeedbackProtocol,
  feedbackId,
  MODEL_TOOL,
  type Opinion,
  type ToolUse
} from "../../protocols/index.ts"
import { omitUndefined, send } from "../../runtime/index.ts"
import { usesOf } from "../feedback/features.ts"
import type { AgentKind } from "../policy.ts"
import type { AskOutcome } from "./model-activity.ts"
import type { Request } from "./state.ts"

/**
 * Tells the tracker of each tool how it was used. A name that a model made up has none. Of bars that a client made up nothing is told:
 * with prices on which a tool fails it could be taken from everybody.
 */
export const reportTools = (
  { type, tools }: AgentKind,
  { symbol, advice }: Pick<Request, "symbol" | "advice">,
  opinion: Pick<Opinion, "tool_calls" | "metadata">
) => {
  if (advice === true) return []
  const known = new Set(tools.map(({ name }) => name))
  return usesOf(symbol, opinion)
    .filter(({ tool }) => known.has(tool))
    .map(({ tool, use }) => report(type, tool, use))
}

/** Tells the tracker of models how a turn went, with all its attempts. */
export const reportModel = (
  type: AgentType,
  symbol: string,
  model: string,
  execution_id: string,
  { error, elapsed_ms = 0, receipts }: AskOutcome
) =>
  report(
    type,
    MODEL_TOOL,
    omitUndefined({
      execution_id,
      symbol,
      status:
        error === undefined
          ? "success"
          : error.kind === "timeout" || error.kind === "out_of_time"
            ? "timeout"
            : "failed",
      execution_time_ms: Math.max(0, elapsed_ms),
      error_message: error && `${error.kind}: ${error.detail}`,
      features: { symbol, policy: model.slice(0, 64), attempts: String(Math.min(9, receipts.length)) }
    })
  )

const report = (type: AgentType, tool: string, use: ToolUse) =>
  send(FeedbackProtocol, feedbackId(type, tool), "Used", { use })
