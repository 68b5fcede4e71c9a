// What an agent does when a turn of a model or its tools has come to an end.
import type { Opinion } from "../../protocols/index.ts"
import { cancelActivity, type Outcome } from "../../runtime/index.ts"
import type { AgentKind } from "../policy.ts"
import { requestOf } from "./evolve.ts"
import type { AskOutcome } from "./model-activity.ts"
import {
  type Conversing,
  cutBy,
  isConversing,
  meaningOf,
  openKey,
  opinionOf,
  roundOf,
  standingAnswer,
  startNextActivity,
  type UseOutput
} from "./model-conversation.ts"
import { clip, publishDecision, vote } from "./outbound.ts"
import { reportModel, reportTools } from "./reporting.ts"
import type { Fallback, Receipt, Request, State } from "./state.ts"
import { type AgentStep, cancelModelTimer, tellIdle } from "./step.ts"

/** A model has answered, or will not. */
export const heard = (step: AgentStep, agent: AgentKind, outcome: Outcome<"ask_model", AskOutcome>) => {
  const request = awaiting(step.state, outcome.key)
  if (request === undefined) return
  const { consensus_id, asked } = request
  if (outcome._tag === "Failed") {
    return fallBack(step, agent, consensus_id, [], { kind: "defect", reason: clip(outcome.detail) })
  }
  const { receipts, breaker, turn, error } = outcome.value
  const activity = outcome.key
  step.persist("BreakerSeen", { model: asked.model, breaker, at: step.time })
  // That it takes no tools says nothing of how it does.
  if (error?.refuses_tools !== true) {
    step.add(reportModel(agent.type, request.symbol, asked.model, activity, outcome.value))
  }
  if (turn !== undefined) return heardTurn(step, agent, request, { activity, receipts, turn })
  if (error?.refuses_tools === true && asked.toolless !== true) {
    step.persist("ToolsRefused", { consensus_id, activity, receipts })
    return startNext(step, agent, consensus_id)
  }
  const { kind, detail } = error ?? NEITHER
  const reason = kind === "out_of_time" ? `${clip(detail)}${cutBy(asked)}` : clip(detail)
  fallBack(step, agent, consensus_id, receipts, { kind, reason })
}

const NEITHER: NonNullable<AskOutcome["error"]> = { kind: "defect", detail: "neither an answer nor an error" }

const heardTurn = (
  step: AgentStep,
  agent: AgentKind,
  { asked, consensus_id }: Conversing,
  { activity, receipts, turn }: Required<Pick<AskOutcome, "receipts" | "turn">> & { readonly activity: string }
) => {
  const meaning = meaningOf(asked, turn)
  const { text } = turn
  const said = { consensus_id, activity, receipts }
  if (meaning._tag === "Tools") {
    step.persist("ModelAnswered", { ...said, turn: { text, tools: turn.tools } })
    return startNext(step, agent, consensus_id)
  }
  const silent = { ...said, turn: { text, tools: [] } }
  if (meaning._tag === "Decision") {
    step.persist("ModelAnswered", silent)
    const done = conversing(step.state, consensus_id)
    return decide(step, agent, done, opinionOf(done.asked, meaning.answer))
  }
  if (!meaning.again) {
    return fallBack(step, agent, consensus_id, receipts, { kind: "invalid_answer", reason: meaning.fault })
  }
  step.persist("ModelAnswered", { ...silent, fault: meaning.fault })
  startNext(step, agent, consensus_id)
}

/** The tools of a turn have been used. */
export const used = (step: AgentStep, agent: AgentKind, outcome: Outcome<"use_tools", typeof UseOutput.Type>) => {
  const request = awaiting(step.state, outcome.key)
  if (request === undefined) return
  const { consensus_id } = request
  if (outcome._tag === "Failed") {
    const reason = `its tools: ${clip(outcome.detail)}`
    return fallBack(step, agent, consensus_id, [], { kind: "defect", reason })
  }
  step.persist("ToolsUsed", { consensus_id, calls: outcome.value })
  const { model: policy } = request.asked
  step.add(...reportTools(agent, request, { tool_calls: outcome.value, metadata: { policy } }))
  startNext(step, agent, consensus_id)
}

/** The conversation's next activity begins. */
const startNext = (step: AgentStep, agent: AgentKind, consensusId: string) =>
  step.add(startNextActivity(agent.tools, conversing(step.state, consensusId)))

/** The agent votes as its model said. */
const decide = (step: AgentStep, agent: AgentKind, request: Request, opinion: Opinion) => {
  step.persist("Answered", { consensus_id: request.consensus_id })
  cancelModelTimer(step, request)
  step.add(publishDecision(agent.type, request, step, opinion))
  tellIdle(step, agent.type, request)
  step.add(vote(agent.type, request, opinion))
}

/**
 * Leaves the model, once, and asks the agent's own rules; or goes by what the model said, where that stands and only contradicts itself.
 * `interrupt`: what is open is given up.
 */
export const fallBack = (
  step: AgentStep,
  agent: AgentKind,
  consensus_id: string,
  receipts: ReadonlyArray<Receipt>,
  fallback: Fallback,
  interrupt = false
) => {
  const request = requestOf(step.state, consensus_id)
  if (request === undefined || !isConversing(request) || request.asked.fallback !== undefined) return
  const activity = openKey(request)
  const standing = standingAnswer(request.asked)
  step.persist("FellBack", { consensus_id, activity, receipts, fallback })
  if (interrupt) step.add(cancelActivity(activity))
  else cancelModelTimer(step, request)
  if (standing === undefined) return startNext(step, agent, consensus_id)
  const left = conversing(step.state, consensus_id)
  decide(step, agent, left, opinionOf(left.asked, standing))
}

/** The conversation that waits for this activity; nothing where it has gone on without it. */
const awaiting = (state: State, key: string): Conversing | undefined => {
  const request = requestOf(state, roundOf(key))
  return request !== undefined && isConversing(request) && openKey(request) === key ? request : undefined
}

const conversing = (state: State, consensusId: string): Conversing => {
  const request = requestOf(state, consensusId)
  if (request === undefined || !isConversing(request)) throw new Error(`no conversation for ${consensusId}`)
  return request
}
