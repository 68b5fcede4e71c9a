// How a conversation with a model goes on. Pure: what is open follows from what has been said, so a node that finds the conversation in
// the journal goes on where it was, and nothing that was answered is asked again.
//
//     Analyze → [t0 → ] m1 → t1 → m2 → … → m7          m: a turn of the model; t: the tools that it asked for
//                        ↘ answer → vote                the last turns are without tools
//                        ↘ no decision, or one that contradicts itself → told so once → answer, or the agent's own rules
//     a model that refuses tools → t0, all tools at once → m1n, the same without tools
//     any failure, or the end of the model's time      → what a contradiction is taken for, or the agent's own rules
import { Option, Result, Schema } from "effect"
import {
  BarWindow,
  ConsensusId,
  MarketSymbol,
  type Opinion,
  open,
  PastDecision,
  ToolCall
} from "../../protocols/index.ts"
import { omitUndefined, start } from "../../runtime/index.ts"
import type { OutcomeRule } from "../learning/outcome-rule.ts"
import { barRows, Conversation, mayUseTools } from "../model/conversation.ts"
import { faultText, type ModelAnswer, readDecision } from "../model/decision.ts"
import { ToolRequest, type Turn, takesTools } from "../model/language-model.ts"
import type { AgentKind } from "../policy.ts"
import { besideOurs } from "./given.ts"
import type { ModelConversation, Request } from "./state.ts"

/** What the activity `ask_model` gets: one turn to be asked for. */
export const AskInput = open({ consensus_id: ConsensusId, deadline: Schema.Int, conversation: Conversation })
export type AskInput = typeof AskInput.Type

/** What the activity `use_tools` gets: the tools of one turn; turn 0 is before the first. */
export const UseInput = open({
  consensus_id: ConsensusId,
  symbol: MarketSymbol,
  turn: Schema.Int,
  tools: Schema.Array(ToolRequest),
  bars: BarWindow,
  past: Schema.optionalKey(Schema.Array(PastDecision)),
  unavailable: Schema.optionalKey(Schema.Array(Schema.String))
})
export type UseInput = typeof UseInput.Type

export const UseOutput = Schema.Array(ToolCall)

/** What is left of a round's time for the agent's own rules, in milliseconds. */
export const RULES_MILLIS = 1_500

/** Says whether it was the round or the model's own budget that ended a conversation. */
export const cutBy = ({ deadline, request }: ModelConversation): string =>
  request.deadline !== undefined && deadline >= Math.floor(request.deadline - RULES_MILLIS)
    ? "; its round takes no votes later"
    : " (MODEL_BUDGET)"

/** A request that is put to a model. */
export type Conversing = Request & { readonly asked: ModelConversation }

export const isConversing = (request: Request): request is Conversing => request.asked !== undefined

/** The key of the activity that is open for a conversation. */
export const openKey = ({ consensus_id, asked }: Conversing): string => {
  const { turns, fallback, measured, model, toolless } = asked
  if (fallback !== undefined) return consensus_id
  if ((toolless === true || !takesTools(model)) && measured === undefined) return `${consensus_id}.t0`
  const last = turns.at(-1)
  if (last !== undefined && last.tools.length > 0 && last.calls === undefined) return `${consensus_id}.t${turns.length}`
  // What was asked with tools is another question.
  return `${consensus_id}.m${turns.length + 1}${toolless === true ? "n" : ""}`
}

/** The round that an activity's key belongs to. */
export const roundOf = (key: string): string => key.split(".")[0]!

/** Starts what the conversation needs next. */
export const startNextActivity = (tools: AgentKind["tools"], conversing: Conversing) => {
  const { consensus_id, asked, symbol } = conversing
  const key = openKey(conversing)
  const { unavailable } = asked
  if (key === consensus_id) return start("analyze", key, { ...asked.request, ...omitUndefined({ unavailable }) })
  if (!key.startsWith(`${consensus_id}.t`)) return start("ask_model", key, askInput(conversing))
  const turn = key === `${consensus_id}.t0` ? 0 : asked.turns.length
  const wanted = turn === 0 ? everyTool(tools) : asked.turns[turn - 1]!.tools
  const { bars, past } = asked.request
  return start("use_tools", key, omitUndefined({ consensus_id, symbol, turn, tools: wanted, bars, unavailable, past }))
}

/** All tools of an agent with their own parameters, for a model that cannot ask for any. */
export const everyTool = (tools: AgentKind["tools"]): UseInput["tools"] =>
  tools.map(({ name }, index) => ({ id: `call_0_${index + 1}`, name, input: {} }))

const askInput = ({ consensus_id, symbol, asked }: Conversing): AskInput => {
  const { model, request, turns, deadline, measured, fault, unavailable, toolless } = asked
  const { bars, context, past, indicators } = request
  const told = { model, symbol, bars: barRows(bars), context, past, indicators, measured, unavailable, toolless }
  const conversation: Conversation = omitUndefined({ ...told, turns, fault })
  return { consensus_id, deadline, conversation }
}

/** The same with what decisions are judged by on this node, as its rules are told it. */
export const judgedBy = (input: AskInput, outcome: OutcomeRule | undefined): AskInput => {
  if (outcome === undefined) return input
  const { horizonMillis, threshold } = outcome
  return { ...input, conversation: { ...input.conversation, judged_by: { horizon_ms: horizonMillis, threshold } } }
}

/** What a turn means for the conversation. */
export type Meaning =
  | { readonly _tag: "Tools" }
  | { readonly _tag: "Decision"; readonly answer: ModelAnswer }
  | { readonly _tag: "Fault"; readonly fault: string; readonly again: boolean }

/**
 * Reads a turn: tools while it may ask for them, and otherwise a decision. What is no decision, or one that contradicts itself, is told to
 * the model once; a contradiction that stays is taken for what a rule makes of it.
 */
export const meaningOf = (asked: ModelConversation, turn: Pick<Turn, "text" | "tools">): Meaning => {
  if (mayUseTools(asked) && turn.tools.length > 0) return { _tag: "Tools" }
  const read = readDecision(turn.text)
  const again = asked.fault === undefined
  if (Result.isFailure(read)) return { _tag: "Fault", fault: faultText(read.failure), again }
  const { resolved } = read.success
  if (resolved !== undefined && again) return { _tag: "Fault", fault: faultText(resolved), again }
  return { _tag: "Decision", answer: read.success }
}

/** What the model's last word is taken for where no better one comes: an answer that contradicted itself. */
export const standingAnswer = ({ fault, turns }: ModelConversation): ModelAnswer | undefined =>
  fault === undefined ? undefined : Option.getOrUndefined(Result.getSuccess(readDecision(turns.at(-1)?.text ?? "")))

/** The model's decision as the agent's opinion, with all tools that were used for it. */
export const opinionOf = (
  { model, measured = [], turns, usage, request }: ModelConversation,
  answer: ModelAnswer
): Opinion =>
  besideOurs(
    {
      ...answer.decision,
      tool_calls: [...measured, ...turns.flatMap(({ calls = [] }) => calls)],
      metadata: omitUndefined({
        ...{ policy: model, model, turns: turns.length, usage },
        read_as: answer.licences.length === 0 ? undefined : answer.licences,
        resolved: answer.resolved
      })
    },
    request.indicators
  )

/** The opinion of the agent's own rules, marked as what it is. */
export const fallbackOpinion = ({ model, fallback, usage }: ModelConversation, opinion: Opinion): Opinion => ({
  ...opinion,
  reasoning: `By the agent's own rules, because ${model} gave no answer (${fallback?.reason ?? "unknown"}). ${opinion.reasoning}`,
  metadata: { ...opinion.metadata, fallback: { model, ...fallback }, usage }
})
