import { Clock, Effect } from "effect"
import { type AgentType, events, type ToolCall } from "../../protocols/index.ts"
import type { ActivityContext } from "../../runtime/index.ts"
import type { ToolRequest } from "../model/language-model.ts"
import { toolsOf } from "../tools/registry.ts"
import { useTool } from "../tools/use.ts"
import type { UseInput } from "./dialogue.ts"
import { toolExecution } from "./words.ts"

/** Uses the tools that a model asked for, one after the other, and publishes each as it ends. A tool that fails says so to the model. */
export const useTools = (type: AgentType, input: UseInput, { publish }: ActivityContext) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const calls: Array<ToolCall> = []
    for (const [index, request] of input.tools.entries()) {
      const executionId = `${input.consensus_id}.${type}.${input.turn}.${index + 1}`
      const call = use(type, request, input, executionId, now)
      calls.push(call)
      const { subject, data } = toolExecution(type, input.symbol, call, yield* Clock.currentTimeMillis)
      yield* publish(events.tool_execution, subject, data)
    }
    return calls
  })

const use = (
  type: AgentType,
  { name, input: parameters }: ToolRequest,
  { bars, past = [], unavailable = [] }: UseInput,
  executionId: string,
  now: () => number
): ToolCall => {
  const tool = toolsOf(type).find((each) => each.name === name)
  if (tool !== undefined && unavailable.includes(name)) return unavailableCall(name, parameters, executionId)
  if (tool !== undefined) return useTool(tool, parameters, { bars, past }, { executionId, now })
  return {
    execution_id: executionId,
    // A name that is not ours may be anything.
    tool_name: name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "unknown",
    status: "failed",
    execution_time_ms: 0,
    result: null,
    error_message: `there is no such tool; there are ${toolsOf(type)
      .map((each) => each.name)
      .join(", ")}`,
    error_kind: "invalid_input"
  }
}

const unavailableCall = (name: string, input: unknown, executionId: string): ToolCall => ({
  execution_id: executionId,
  tool_name: name,
  input,
  status: "failed",
  execution_time_ms: 0,
  result: null,
  error_message: `${name} is not used at present: it failed too often lately`,
  error_kind: "unavailable"
})
