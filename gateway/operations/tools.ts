import { Effect, Schema } from "effect"
import { AgentType, FeedbackProtocol, feedbackId, subjects, type ToolReport } from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { type Caller, mustSee, type NotSeen } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

/** No agent of this type has ever used such a tool. */
export class UnknownTool extends Schema.TaggedError<UnknownTool>()("UnknownTool", {
  agent_type: AgentType,
  tool: Schema.String
}) {}

export type ToolFailure = AskError | TooManySymbols | NotSeen | UnknownTool

/** How a tool has done for an agent type. */
export const toolReport = (
  type: AgentType,
  tool: string,
  caller: Caller
): Effect.Effect<ToolReport, ToolFailure, Actors> =>
  Effect.gen(function* () {
    // The tool `model` stands for the requests to models, whose events are of a kind of their own.
    yield* mustSee(caller, subjects.tool(type, tool), ...(tool === "model" ? [`model.${type}.*`] : []))
    const id = feedbackId(type, tool)
    // Asking makes an actor, which stays.
    yield* caller.quota.name([id])
    const report = yield* (yield* Actors).ask(FeedbackProtocol, id, "GetReport", {})
    if (report.total.executions === 0) return yield* new UnknownTool({ agent_type: type, tool })
    return report
  })
