// What an agent does when a turn of a model or its tools has come to an end.
import type { AgentType, Opinion } from "../../protocols/index.ts"
import { type Context, cancelActivity, cancelTimer, type Outcome, persist } from "../../runtime/index.ts"
import { evolve, requestOf } from "./evolve.ts"
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
import { clip, publishDecision, publishStatus, vote } from "./outbound.ts"
import { reportModel, reportTools } from "./reporting.ts"
import type { Fallback, Receipt, Request, State } from "./state.ts"

/** A model has answered, or will not. */
export const heard = (type: AgentType, state: State, outcome: Outcome<"ask_model", AskOutcome>, context: Context) => {
  const request = awaiting(state, outcome.key)
  if (request === undefined) return []
  const { consensus_id, asked } = request
  if (outcome._tag === "Failed") {
    return fallBack(type, state, consensus_id, [], { kind: "defect", reason: clip(outcome.detail) }, context)
  }
  const { receipts, breaker, turn, error } = outcome.value
  const seen = [
    persist({ _tag: "BreakerSeen", model: asked.model, breaker, at: context.time } as const),
    // That it takes no tools says nothing of how it does.
    ...(error?.refuses_tools === true
      ? []
      : [reportModel(type, request.symbol, asked.model, outcome.key, outcome.value)])
  ]
  const activity = outcome.key
  if (turn === undefined) {
    if (error?.refuses_tools === true && asked.toolless !== true) {
      const event = { _tag: "ToolsRefused", consensus_id, activity, receipts } as const
      return [
        ...seen,
        persist(event),
        startNextActivity(type, conversing(evolve.ToolsRefused(state, event), consensus_id))
      ]
    }
    const { kind, detail } = error ?? { kind: "defect", detail: "neither an answer nor an error" }
    const reason = kind === "out_of_time" ? `${clip(detail)}${cutBy(asked)}` : clip(detail)
    return [...seen, ...fallBack(type, state, consensus_id, receipts, { kind, reason }, context)]
  }
  const meaning = meaningOf(asked, turn)
  const { text } = turn
  const said = { _tag: "ModelAnswered", consensus_id, activity, receipts } as const
  if (meaning._tag === "Tools") {
    const event = { ...said, turn: { text, tools: turn.tools } }
    return [
      ...seen,
      persist(event),
      startNextActivity(type, conversing(evolve.ModelAnswered(state, event), consensus_id))
    ]
  }
  const silent = { ...said, turn: { text, tools: [] } }
  if (meaning._tag === "Decision") {
    const { asked: done } = conversing(evolve.ModelAnswered(state, silent), consensus_id)
    return [...seen, persist(silent), ...decided(type, state, request, opinionOf(done, meaning.answer), context)]
  }
  if (!meaning.again) {
    return [
      ...seen,
      ...fallBack(type, state, consensus_id, receipts, { kind: "invalid_answer", reason: meaning.fault }, context)
    ]
  }
  const event = { ...silent, fault: meaning.fault }
  return [
    ...seen,
    persist(event),
    startNextActivity(type, conversing(evolve.ModelAnswered(state, event), consensus_id))
  ]
}

/** The tools of a turn have been used. */
export const used = (
  type: AgentType,
  state: State,
  outcome: Outcome<"use_tools", typeof UseOutput.Type>,
  context: Context
) => {
  const request = awaiting(state, outcome.key)
  if (request === undefined) return []
  const { consensus_id } = request
  if (outcome._tag === "Failed") {
    return fallBack(
      type,
      state,
      consensus_id,
      [],
      { kind: "defect", reason: `its tools: ${clip(outcome.detail)}` },
      context
    )
  }
  const event = { _tag: "ToolsUsed", consensus_id, calls: outcome.value } as const
  return [
    persist(event),
    ...reportTools(type, request, { tool_calls: outcome.value, metadata: { policy: request.asked.model } }),
    startNextActivity(type, conversing(evolve.ToolsUsed(state, event), consensus_id))
  ]
}

/** The agent votes as its model said. */
const decided = (type: AgentType, state: State, request: Request, opinion: Opinion, context: Context) => [
  persist({ _tag: "Answered", consensus_id: request.consensus_id } as const),
  ...timerOf(request),
  publishDecision(type, request, context, opinion),
  ...(state.requests.length > 1 ? [] : [publishStatus(type, request, context, "idle")]),
  vote(type, request, opinion)
]

/**
 * Leaves the model, once, and asks the agent's own rules; or goes by what the model said, where that stands and only contradicts itself.
 * `interrupt`: what is open is given up.
 */
export const fallBack = (
  type: AgentType,
  state: State,
  consensus_id: string,
  receipts: ReadonlyArray<Receipt>,
  fallback: Fallback,
  context: Context,
  interrupt = false
) => {
  const request = requestOf(state, consensus_id)
  if (request === undefined || !isConversing(request) || request.asked.fallback !== undefined) return []
  const activity = openKey(request)
  const event = { _tag: "FellBack", consensus_id, activity, receipts, fallback } as const
  const standing = standingAnswer(request.asked)
  if (standing !== undefined) {
    const left = conversing(evolve.FellBack(state, event), consensus_id)
    return [
      persist(event),
      ...(interrupt ? [cancelActivity(activity)] : timerOf(request)),
      ...decided(type, state, left, opinionOf(left.asked, standing), context)
    ]
  }
  return [
    persist(event),
    ...(interrupt ? [cancelActivity(activity)] : timerOf(request)),
    startNextActivity(type, conversing(evolve.FellBack(state, event), consensus_id))
  ]
}

/** The end of the model's time needs no timer any more. */
export const timerOf = ({ consensus_id, asked }: Request) =>
  asked === undefined || asked.fallback !== undefined ? [] : [cancelTimer(`model_${consensus_id}`)]

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
