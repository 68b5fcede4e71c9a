import { Schema } from "effect"
import { type AgentType, type agentProtocol, open, opinionFields } from "../../protocols/index.ts"
import { type ActorStepBuilder, cancelTimer, type MessageName } from "../../runtime/index.ts"
import type { AskInput, UseInput } from "./model-conversation.ts"
import { publishStatus } from "./outbound.ts"
import type { events, Request, State } from "./state.ts"

/** A request, and the tools that are not to be used for it. */
export const AnalyzeInput = open({ ...opinionFields, unavailable: Schema.optionalKey(Schema.Array(Schema.String)) })

type Activities = {
  readonly analyze: { readonly input: typeof AnalyzeInput }
  readonly ask_model: { readonly input: typeof AskInput }
  readonly use_tools: { readonly input: typeof UseInput }
}

type Protocol = ReturnType<typeof agentProtocol>

/** A step of an agent; one that answers a message where it is named. */
export type AgentStep<K extends MessageName<Protocol> = never> = ActorStepBuilder<
  Protocol,
  State,
  typeof events,
  K,
  Activities
>

/** The end of the model's time needs no timer any more. */
export const cancelModelTimer = (step: AgentStep, { consensus_id, asked }: Request) => {
  if (asked !== undefined && asked.fallback === undefined) step.add(cancelTimer(`model_${consensus_id}`))
}

/** Says that an agent is idle, if it is. */
export const tellIdle = (step: AgentStep, type: AgentType, request: Request) => {
  if (step.state.requests.length === 0) step.add(publishStatus(type, request, step, "idle"))
}
