import { type Duration, Effect, Schedule, Schema } from "effect"
import {
  type AgentType,
  agentId,
  agentProtocol,
  type BreakerState,
  type ModelName,
  Opinion,
  type OpinionRequest,
  open,
  opinionFields,
  toTimestamp
} from "../../protocols/index.ts"
import {
  type Actor,
  activity,
  type Context,
  cancelActivity,
  define,
  escalate,
  persist,
  reply,
  type Supervision,
  send,
  setTimer,
  start
} from "../../runtime/index.ts"
import { isRequestedRound } from "../consensus/opened-at.ts"
import type { OutcomeRule } from "../learning/outcome-rule.ts"
import { noUsage } from "../model/prices.ts"
import type { Policy } from "../policy.ts"
import { toolsOf } from "../tools/registry.ts"
import { evolve, requestOf, unavailableOf } from "./evolve.ts"
import { besideOurs } from "./given.ts"
import { AskOutcome, type ModelAccess, notConfigured } from "./model-activity.ts"
import {
  AskInput,
  cutBy,
  fallbackOpinion,
  judgedBy,
  openKey,
  RULES_MILLIS,
  roundOf,
  startNextActivity,
  UseInput,
  UseOutput
} from "./model-conversation.ts"
import { fallBack, heard, timerOf, used } from "./model-outcomes.ts"
import { abstain, clip, publishDecision, publishStatus, publishTools, vote } from "./outbound.ts"
import { reportTools } from "./reporting.ts"
import { events, type Request, State } from "./state.ts"
import { useTools } from "./tool-activity.ts"

export interface AgentOptions {
  /** How long one attempt of the policy may take; 10 seconds unless given. What runs longer fails as a timeout. */
  readonly timeout?: Duration.Input
  /** When the policy is tried again after a failure or timeout; at most twice, a jittered 250 ms and 500 ms later, unless given. */
  readonly retry?: Schedule.Schedule<unknown, unknown>
  /** The language models of this node. Without them, or where they name none for the type, the policy answers. */
  readonly models?: ModelAccess | undefined
  /** What decisions are judged by, and so what the policy's probabilities are of; `OUTCOME_DEFAULTS` unless given. */
  readonly outcome?: OutcomeRule | undefined
}

/** A request, and the tools that are not to be used for it. */
const AnalyzeInput = open({ ...opinionFields, unavailable: Schema.optionalKey(Schema.Array(Schema.String)) })

/** How many requests an agent works on at once; it abstains from what is asked beyond. */
export const OPEN_REQUESTS_MAX = 8

/** How many of them may be of rounds that somebody asked for: the others are kept for those of the market. */
const REQUESTED_MAX = OPEN_REQUESTS_MAX / 2

/** How many turns of models a node has under way for one agent type: the others wait, and leave room for rules. */
const ASKED_AT_ONCE = 32

/**
 * An agent of a type: it forms an opinion on its symbol and votes on it in the round it was asked for.
 *
 * idle → analyzing → idle, having voted; or failed, having abstained. Analyzing is one activity by the policy, or a conversation with
 * a model (`model-conversation.ts`), after whose failure the policy answers.
 *
 * Guarantees: one vote or abstention per round, however often it is asked; a policy or model that hangs or fails keeps no
 * other request waiting, and holds one of `OPEN_REQUESTS_MAX` places until its attempts are over. The actor is the same with and
 * without models: what one node began another one can finish.
 */
export const agentActor = (type: AgentType, policy: Policy, options: AgentOptions = {}): Actor => {
  const { models, outcome } = options
  return define({
    protocol: agentProtocol(type),
    state: State,
    initial: (): State => ({ requests: [], answered: [] }),
    events,
    evolve,
    decide: {
      Analyze: (state, request, context) => analyze(type, state, request, context, models),
      Cancel: (state, { consensus_id }, context) => cancel(type, state, consensus_id, context),
      GetStatus: (state, _, context) => [reply(report(type, state, context, models?.modelOf(type)))],
      ModelCallBegan: (_, { consensus_id, activity, call }) => [
        persist({ _tag: "ModelCallBegun", consensus_id, model: call.model, activity, call })
      ],
      ToolState: (state, told) => seeTool(type, state, told),
      Failed: (state, { key }, context) => giveUp(type, requestOf(state, roundOf(key)), UNPROCESSED, context),
      ModelOutOfTime: (state, { consensus_id }, context) => {
        const asked = requestOf(state, consensus_id)?.asked
        const reason = `the time for the analysis is over${asked === undefined ? "" : cutBy(asked)}`
        return fallBack(type, state, consensus_id, [], { kind: "out_of_time", reason }, context, true)
      }
    },
    activities: {
      analyze: activity({
        input: AnalyzeInput,
        output: Opinion,
        timeout: options.timeout ?? "10 seconds",
        retry: options.retry ?? defaultRetry,
        run: ({ consensus_id, symbol, bars, past, context, unavailable, indicators, outcomes }) =>
          // A policy may throw before it returns an effect; that is its failure and not the agent's.
          Effect.suspend(() =>
            policy({
              ...{ agentType: type, symbol, bars, consensusId: consensus_id },
              ...(past && { past }),
              ...(context && { context }),
              ...(outcome && { outcome, ...(outcomes && { outcomes }) }),
              ...(unavailable && { unavailable: new Set(unavailable) })
            })
          ).pipe(Effect.map((opinion) => besideOurs(opinion, indicators)))
      }),
      ask_model: activity({
        input: AskInput,
        output: AskOutcome,
        // The conversation has a deadline of its own; this is for what does not keep it.
        timeout: "3 minutes",
        concurrency: ASKED_AT_ONCE,
        run: askOf(type, options)
      }),
      use_tools: activity({
        input: UseInput,
        output: UseOutput,
        timeout: "10 seconds",
        run: (input, context) => useTools(type, input, context)
      })
    },
    completed: {
      analyze: (state, outcome, context) => {
        const request = requestOf(state, outcome.key)
        if (request === undefined) return []
        if (outcome._tag === "Succeeded") return opined(type, state, request, outcome.value, context)
        const reason = outcome.reason === "timeout" ? "the analysis took too long" : clip(outcome.detail)
        return giveUp(type, request, reason, context)
      },
      ask_model: (state, outcome, context) => heard(type, state, outcome, context),
      use_tools: (state, outcome, context) => used(type, state, outcome, context)
    },
    supervision: supervisionOf(type)
  })
}

const UNPROCESSED = "what came of the analysis could not be processed"

const askOf =
  (type: AgentType, { models, outcome }: AgentOptions) =>
  (input: AskInput, context: Parameters<ModelAccess["ask"]>[2]) =>
    models?.ask(type, judgedBy(input, outcome), context) ?? Effect.succeed(notConfigured(input))

/** A request whose outcome cannot be processed holds no place, and keeps its round waiting for nobody. */
const supervisionOf = (type: AgentType): Supervision => ({
  ...{ decode: escalate, decide: escalate, evolve: escalate, activity: escalate, size: escalate },
  supervisor: ({ id }, { key = "" }) => send(agentProtocol(type), id, "Failed", { key })
})

/** There will be no opinion: the agent abstains. */
const giveUp = (type: AgentType, request: Request | undefined, reason: string, context: Context) =>
  request === undefined
    ? []
    : [
        persist({ _tag: "Failed", consensus_id: request.consensus_id, reason } as const),
        ...timerOf(request),
        publishStatus(type, request, context, "failed", reason),
        abstain(type, request, reason)
      ]

const defaultRetry = Schedule.exponential("250 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 2 }))

const analyze = (
  type: AgentType,
  state: State,
  given: OpinionRequest,
  context: Context,
  models: ModelAccess | undefined
) => {
  const { consensus_id, correlation_id, symbol } = given
  if (requestOf(state, consensus_id) !== undefined || state.answered.includes(consensus_id)) return []
  const most = roomFor(state, consensus_id)
  if (most !== undefined) {
    const reason = `${most} analyses are running already`
    return [persist({ _tag: "Failed", consensus_id, reason } as const), abstain(type, given, reason)]
  }
  const { advice, basis } = given
  const request: Request = {
    ...{ consensus_id, correlation_id, symbol },
    ...(basis === undefined ? {} : { basis }),
    ...(advice === undefined ? {} : { advice })
  }
  const begun = publishStatus(type, given, context, "analyzing")
  const model = models?.modelOf(type)
  if (models === undefined || model === undefined) {
    return [
      persist({ _tag: "Requested", request } as const),
      begun,
      start("analyze", consensus_id, { ...given, ...withoutTools(state) })
    ]
  }
  const ends = (given.deadline ?? context.time + models.roundMillis) - RULES_MILLIS
  const deadline = Math.max(context.time, Math.min(context.time + models.budgetMillis, Math.floor(ends)))
  const asked = {
    ...{ model, request: given, deadline, turns: [], calls: [], usage: noUsage, ...withoutTools(state) },
    ...(models.refusesTools?.(model) === true ? { toolless: true as const } : {})
  }
  return [
    persist({ _tag: "Requested", request: { ...request, asked } } as const),
    begun,
    // The budget is kept where the model is asked; this is for a node that dies or hangs.
    setTimer(`model_${consensus_id}`, deadline, "ModelOutOfTime", { consensus_id }),
    startNextActivity(type, { ...request, asked })
  ]
}

/** How many requests there are already, where they leave no room for this one. */
const roomFor = ({ requests }: State, consensusId: string): number | undefined => {
  if (requests.length >= OPEN_REQUESTS_MAX) return OPEN_REQUESTS_MAX
  const requested = requests.filter(({ consensus_id }) => isRequestedRound(consensus_id)).length
  return isRequestedRound(consensusId) && requested >= REQUESTED_MAX ? REQUESTED_MAX : undefined
}

/** A tracker says whether one of its tools is used. */
const seeTool = (type: AgentType, state: State, { tool, state: seen }: { tool: string; state: BreakerState }) =>
  (state.tools?.[tool] ?? "closed") === seen || !toolsOf(type).some(({ name }) => name === tool)
    ? []
    : [persist({ _tag: "ToolStateSeen", tool, state: seen } as const)]

const withoutTools = (state: State): { readonly unavailable?: ReadonlyArray<string> } => {
  const unavailable = unavailableOf(state)
  return unavailable.length === 0 ? {} : { unavailable }
}

/** The policy has an opinion: as the agent's own, or in place of a model's. */
const opined = (type: AgentType, state: State, request: Request, given: Opinion, context: Context) => {
  const { asked } = request
  const opinion = asked?.fallback === undefined ? given : fallbackOpinion(asked, given)
  return [
    persist({ _tag: "Answered", consensus_id: request.consensus_id } as const),
    ...timerOf(request),
    ...publishTools(type, request, context, opinion.tool_calls),
    ...reportTools(type, request, given),
    publishDecision(type, request, context, opinion),
    ...(state.requests.length > 1 ? [] : [publishStatus(type, request, context, "idle")]),
    vote(type, request, opinion)
  ]
}

/** The round is over, or nobody wants it any more: there is nothing to vote on. */
const cancel = (type: AgentType, state: State, consensus_id: string, context: Context) => {
  const request = requestOf(state, consensus_id)
  if (request === undefined) return []
  const { asked } = request
  return [
    persist({ _tag: "Failed", consensus_id, reason: "cancelled" } as const),
    ...timerOf(request),
    cancelActivity(asked === undefined ? consensus_id : openKey({ ...request, asked })),
    ...(state.requests.length > 1 ? [] : [publishStatus(type, request, context, "idle")])
  ]
}

const report = (type: AgentType, state: State, { self }: Context, model: ModelName | undefined) => ({
  agent_id: agentId(type, self.id),
  policy: model ?? "quant",
  unavailable_tools: unavailableOf(state),
  open_requests: state.requests.length,
  models: Object.entries(state.accounts ?? {}).map(([name, { usage, breaker, seen }]) => ({
    model: name,
    usage,
    breaker,
    breaker_seen: seen === null ? null : toTimestamp(seen)
  }))
})
