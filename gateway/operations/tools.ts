import { Effect, Schema } from "effect"
import { type AgentType, FeedbackProtocol, feedbackId, subjects, ToolReport } from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { type Caller, mustSee, type NotSeen } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

const encode = Schema.encodeEffect(ToolReport)

/** How a tool has done for an agent type, or nothing where it was never used. */
export const toolReport = (
  type: AgentType,
  tool: string,
  caller: Caller
): Effect.Effect<typeof ToolReport.Encoded | undefined, AskError | TooManySymbols | NotSeen, Actors> =>
  Effect.gen(function* () {
    // The tool `model` stands for the requests to models, whose events are of a kind of their own.
    yield* mustSee(caller, subjects.tool(type, tool), ...(tool === "model" ? [`model.${type}.*`] : []))
    const id = feedbackId(type, tool)
    // Asking makes an actor, which stays.
    yield* caller.quota.name([id])
    const report = yield* (yield* Actors).ask(FeedbackProtocol, id, "GetReport", {})
    return report.total.executions === 0 ? undefined : yield* Effect.orDie(encode(report))
  })
