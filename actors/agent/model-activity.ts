import { Clock, Effect, Result, Schema } from "effect"
import {
  type AgentType,
  agentId,
  agentProtocol,
  BreakerState,
  events,
  ModelErrorKind,
  type ModelName,
  open,
  subjects,
  toTimestamp
} from "../../protocols/index.ts"
import { type ActivityContext, omitUndefined } from "../../runtime/index.ts"
import { isRequestedRound } from "../consensus/opened-at.ts"
import type { Attempt, ModelCaller } from "../model/caller.ts"
import { questionOf } from "../model/conversation.ts"
import { CONSEQUENCES } from "../model/errors.ts"
import { providerOf, type Question, Turn } from "../model/language-model.ts"
import type { Prompts } from "../model/prompts.ts"
import type { Served } from "../model/shared-limits.ts"
import type { AgentKind } from "../policy.ts"
import { parametersJsonSchema } from "../tools/use.ts"
import type { AskInput } from "./model-conversation.ts"
import { clip } from "./outbound.ts"
import { Receipt } from "./state.ts"

/** What became of one turn: what the model said or why it said nothing, and what each request came to. */
export const AskOutcome = open({
  turn: Schema.optionalKey(Turn),
  error: Schema.optionalKey(
    open({
      kind: ModelErrorKind,
      detail: Schema.String,
      /** The model takes no tools: it may answer where it is asked without. */
      refuses_tools: Schema.optionalKey(Schema.Literal(true))
    })
  ),
  receipts: Schema.Array(Receipt),
  /** How long all requests of the turn took. */
  elapsed_ms: Schema.optionalKey(Schema.Finite),
  breaker: BreakerState
})
export type AskOutcome = typeof AskOutcome.Type

/** The language models of a node, as its agents use them. */
export interface ModelAccess {
  /** The model that an agent type asks; none where its own rules answer. */
  readonly modelOf: (type: AgentType) => ModelName | undefined
  /** How long a conversation may take with all its turns, in milliseconds. */
  readonly budgetMillis: number
  /** How long a round takes votes where a request does not say it, in milliseconds. */
  readonly roundMillis: number
  /** Whether this node knows that a model takes no tools; asked once with them, otherwise. */
  readonly refusesTools?: (model: ModelName) => boolean
  /** Asks for one turn. Never fails: what went wrong is in the outcome. */
  readonly ask: (agent: AgentKind, input: AskInput, context: ActivityContext) => Effect.Effect<AskOutcome>
}

/** Asks models by a caller, tells the agent of each request before it is sent, and the world of each when it has ended. */
export const modelAccess = (options: Omit<ModelAccess, "ask">, caller: ModelCaller, prompts: Prompts): ModelAccess => ({
  ...options,
  ask: ({ type, tools: own }, input, context) =>
    Effect.gen(function* () {
      const { consensus_id, deadline, conversation } = input
      const { unavailable = [] } = conversation
      const tools = describeTools(own).filter(({ name }) => !unavailable.includes(name))
      const question = questionOf(type, conversation, prompts, tools)
      const { result, attempts, breaker } = yield* caller.ask(question, {
        key: `${consensus_id}.${type}.m${conversation.turns.length + 1}`,
        requested: isRequestedRound(consensus_id),
        deadline,
        begin: (call) =>
          context.tell(agentProtocol(type), "ModelCallBegan", { consensus_id, activity: context.key, call }),
        ended: (attempt) => publishCall(type, input, context, attempt),
        breakerTurned: (...turned) => publishBreaker(context, ...turned)
      })
      const elapsed_ms = attempts.reduce((sum, { elapsedMillis }) => sum + elapsedMillis, 0)
      const told = { receipts: attempts.map(receiptOf), elapsed_ms, breaker }
      if (Result.isSuccess(result)) return { turn: result.success, ...told }
      const { kind, detail, refuses_tools } = result.failure
      return { error: omitUndefined({ kind, detail, refuses_tools }), ...told }
    })
})

/** What a node without the model answers. */
export const notConfigured = ({ conversation }: AskInput): AskOutcome => ({
  error: { kind: "not_configured", detail: `this node has no ${conversation.model}` },
  receipts: [],
  breaker: "closed"
})

const described = new WeakMap<AgentKind["tools"], Question["tools"]>()

/** The tools of an agent as models are told of them. */
export const describeTools = (own: AgentKind["tools"]): Question["tools"] => {
  const known = described.get(own)
  if (known !== undefined) return known
  const tools = own.map((tool) => ({
    name: tool.name,
    about: tool.about,
    parameters: parametersJsonSchema(tool)
  }))
  described.set(own, tools)
  return tools
}

const receiptOf = ({ call_id, result, cost }: Attempt): Receipt => {
  if (Result.isSuccess(result)) {
    const { input_tokens, output_tokens } = result.success
    const counted = input_tokens !== null || output_tokens !== null
    return { call_id, input_tokens, output_tokens, cost_usd: counted ? cost : null, lost: false }
  }
  const { lost } = CONSEQUENCES[result.failure.kind]
  // What a server did not take costs nothing, whatever its price.
  return { call_id, input_tokens: null, output_tokens: null, cost_usd: 0, lost }
}

const TEXT_SHOWN_MAX = 2_000

const publishCall = (type: AgentType, input: AskInput, context: ActivityContext, attempt: Attempt) =>
  Effect.gen(function* () {
    const { symbol, model, turns } = input.conversation
    const { result, cost, elapsedMillis, call_id } = attempt
    const turn = Result.isSuccess(result) ? result.success : undefined
    const error = Result.isFailure(result) ? result.failure : undefined
    const late = error?.kind === "timeout" || error?.kind === "out_of_time"
    const call = omitUndefined({
      agent_id: agentId(type, symbol),
      agent_type: type,
      symbol,
      consensus_id: input.consensus_id,
      call_id,
      model,
      provider: providerOf(model),
      turn: turns.length + 1,
      attempt: attempt.attempt,
      status: turn !== undefined ? "success" : late ? "timeout" : "failed",
      elapsed_ms: elapsedMillis,
      input_tokens: turn?.input_tokens ?? null,
      output_tokens: turn?.output_tokens ?? null,
      cost_usd: cost,
      text: (turn?.text ?? "").slice(0, TEXT_SHOWN_MAX),
      tools: (turn?.tools ?? []).map(({ name, input: parameters }) => ({ tool_name: name, input: parameters })),
      error_kind: error?.kind,
      error_message: error && clip(error.detail),
      timestamp: toTimestamp(yield* Clock.currentTimeMillis)
    })
    yield* context.publish(events.model_call, subjects.model(type, symbol), call)
  }).pipe(unlessTold("model call"))

const publishBreaker = (
  context: ActivityContext,
  model: ModelName,
  state: "open" | "closed",
  reason: string,
  served: Served
) =>
  Effect.gen(function* () {
    // What clients ask for is theirs: the market's own analyses go on.
    const severity = state === "open" && served === "market" ? "warning" : "info"
    const whom = served === "market" ? "" : " for what clients ask"
    yield* context.publish(events.alert, subjects.alert(severity), {
      severity,
      code: state === "open" ? "model_left_alone" : "model_back",
      message:
        state === "open"
          ? `${model} failed too often and is left alone for a while${whom}; agents decide by their own rules. Last: ${clip(reason)}`
          : `${model} answers again${whom}`,
      timestamp: toTimestamp(yield* Clock.currentTimeMillis)
    })
  }).pipe(unlessTold("circuit breaker"))

/** An answer that was paid for is not given up because the world could not be told of it. */
const unlessTold =
  (what: string) =>
  <E extends Error>(told: Effect.Effect<void, E>): Effect.Effect<void> =>
    Effect.catch(told, (error) => Effect.logWarning("event not published", { what, reason: error.message }))
