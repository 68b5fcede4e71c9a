import { type Duration, Effect, Schedule } from "effect"
import {
  type AgentType,
  agentId,
  agentProtocol,
  type BreakerState,
  type ModelName,
  Opinion,
  type OpinionRequest,
  toTimestamp
} from "../../protocols/index.ts"
import {
  type Actor,
  activity,
  cancelActivity,
  define,
  escalate,
  omitUndefined,
  type Supervision,
  send,
  setTimer,
  start
} from "../../runtime/index.ts"
import { isRequestedRound } from "../consensus/opened-at.ts"
import type { OutcomeRule } from "../learning/outcome-rule.ts"
import { noUsage } from "../model/prices.ts"
import type { AgentKind, Policy } from "../policy.ts"
import { toolsOf } from "../tools/registry.ts"
import type { AnyTool } from "../tools/tool.ts"
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
import { fallBack, heard, used } from "./model-outcomes.ts"
import { abstain, clip, publishDecision, publishStatus, publishTools, vote } from "./outbound.ts"
import { reportTools } from "./reporting.ts"
import { events, type Request, State } from "./state.ts"
import { type AgentStep, AnalyzeInput, cancelModelTimer, tellIdle } from "./step.ts"
import { useTools } from "./tool-activity.ts"

export interface AgentOptions {
  /** How long one attempt of the policy may take; 10 seconds unless given. What runs longer fails as a timeout. */
  readonly timeout?: Duration.Input
  /** When the policy is tried again after a failure or timeout; at most twice, a jittered 250 ms and 500 ms later, unless given. */
  readonly retry?: Schedule.Schedule<unknown, unknown>
  /** The language models of this node. Without them, or where they name none for the type, the policy answers. */
  readonly models?: ModelAccess | undefined
  /** The tools that it may use; those of the type where it comes with the system, and otherwise none, unless given. */
  readonly tools?: ReadonlyArray<AnyTool> | undefined
  /** What decisions are judged by, and so what the policy's probabilities are of; `OUTCOME_DEFAULTS` unless given. */
  readonly outcome?: OutcomeRule | undefined
}

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
  const { models, outcome, tools = toolsOf(type) } = options
  const agent: AgentKind = { type, tools }
  return define({
    protocol: agentProtocol(type),
    state: State,
    initial: (): State => ({ requests: [], answered: [] }),
    events,
    evolve,
    decide: {
      Analyze: (_, request, step) => analyze(step, agent, request, models),
      Cancel: (_, { consensus_id }, step) => cancel(step, type, consensus_id),
      GetStatus: (state, _, step) => step.reply(report(type, state, step.self.id, models?.modelOf(type))),
      ModelCallBegan: (_, { consensus_id, activity, call }, step) => {
        step.persist("ModelCallBegun", { consensus_id, model: call.model, activity, call })
      },
      ToolState: (_, { tool, state: seen }, step) => seeTool(step, agent, tool, seen),
      Failed: (state, { key }, step) => giveUp(step, type, requestOf(state, roundOf(key)), UNPROCESSED),
      ModelOutOfTime: (state, { consensus_id }, step) => {
        const asked = requestOf(state, consensus_id)?.asked
        const reason = `the time for the analysis is over${asked === undefined ? "" : cutBy(asked)}`
        fallBack(step, agent, consensus_id, [], { kind: "out_of_time", reason }, true)
      }
    },
    activities: {
      analyze: activity({
        input: AnalyzeInput,
        output: Opinion,
        timeout: options.timeout ?? "10 seconds",
        retry: options.retry ?? defaultRetry,
        run: ({ consensus_id, symbol, bars, past, context, unavailable, indicators, outcomes }) =>
          // A policy may throw before it returns an effect.
          Effect.suspend(() =>
            policy(
              omitUndefined({
                ...{ agentType: type, symbol, bars, consensusId: consensus_id, past, context, outcome },
                outcomes: outcome && outcomes,
                unavailable: unavailable && new Set(unavailable)
              })
            )
          ).pipe(Effect.map((opinion) => besideOurs(opinion, indicators)))
      }),
      ask_model: activity({
        input: AskInput,
        output: AskOutcome,
        // The conversation has a deadline of its own; this is for what does not keep it.
        timeout: "3 minutes",
        concurrency: ASKED_AT_ONCE,
        run: askOf(agent, options)
      }),
      use_tools: activity({
        ...{ input: UseInput, output: UseOutput, timeout: "10 seconds" },
        run: (input, context) => useTools(agent, input, context)
      })
    },
    completed: {
      analyze: (state, outcome, step) => {
        const request = requestOf(state, outcome.key)
        if (request === undefined) return
        if (outcome._tag === "Succeeded") return opined(step, agent, request, outcome.value)
        const reason = outcome.reason === "timeout" ? "the analysis took too long" : clip(outcome.detail)
        giveUp(step, type, request, reason)
      },
      ask_model: (_, outcome, step) => heard(step, agent, outcome),
      use_tools: (_, outcome, step) => used(step, agent, outcome)
    },
    supervision: supervisionOf(type)
  })
}

const UNPROCESSED = "what came of the analysis could not be processed"

const askOf =
  (agent: AgentKind, { models, outcome }: AgentOptions) =>
  (input: AskInput, context: Parameters<ModelAccess["ask"]>[2]) =>
    models?.ask(agent, judgedBy(input, outcome), context) ?? Effect.succeed(notConfigured(input))

/** A request whose outcome cannot be processed holds no place, and keeps its round waiting for nobody. */
const supervisionOf = (type: AgentType): Supervision => ({
  ...{ decode: escalate, decide: escalate, evolve: escalate, activity: escalate, size: escalate },
  supervisor: ({ id }, { key = "" }) => send(agentProtocol(type), id, "Failed", { key })
})

/** There will be no opinion: the agent abstains. */
const giveUp = (step: AgentStep, type: AgentType, request: Request | undefined, reason: string) => {
  if (request === undefined) return
  step.persist("Failed", { consensus_id: request.consensus_id, reason })
  cancelModelTimer(step, request)
  step.add(publishStatus(type, request, step, "failed", reason), abstain(type, request, reason))
}

const defaultRetry = Schedule.exponential("250 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 2 }))

const analyze = (step: AgentStep, agent: AgentKind, given: OpinionRequest, models: ModelAccess | undefined) => {
  const { type } = agent
  const { state, time } = step
  const { consensus_id, correlation_id, symbol, basis, advice } = given
  if (requestOf(state, consensus_id) !== undefined || state.answered.includes(consensus_id)) return
  const most = roomFor(state, consensus_id)
  if (most !== undefined) {
    const reason = `${most} analyses are running already`
    step.persist("Failed", { consensus_id, reason })
    return step.add(abstain(type, given, reason))
  }
  const request: Request = omitUndefined({ consensus_id, correlation_id, symbol, basis, advice })
  const begun = publishStatus(type, given, step, "analyzing")
  const unavailable = withoutTools(state)
  const model = models?.modelOf(type)
  if (models === undefined || model === undefined) {
    step.persist("Requested", { request })
    return step.add(begun, start("analyze", consensus_id, { ...given, ...omitUndefined({ unavailable }) }))
  }
  const ends = (given.deadline ?? time + models.roundMillis) - RULES_MILLIS
  const deadline = Math.max(time, Math.min(time + models.budgetMillis, Math.floor(ends)))
  const asked = omitUndefined({
    ...{ model, request: given, deadline, turns: [], calls: [], usage: noUsage, unavailable },
    toolless: models.refusesTools?.(model) === true ? true : undefined
  })
  step.persist("Requested", { request: { ...request, asked } })
  step.add(
    begun,
    // The budget is kept where the model is asked; this is for a node that dies or hangs.
    setTimer(`model_${consensus_id}`, deadline, "ModelOutOfTime", { consensus_id }),
    startNextActivity(agent.tools, { ...request, asked })
  )
}

/** How many requests there are already, where they leave no room for this one. */
const roomFor = ({ requests }: State, consensusId: string): number | undefined => {
  if (requests.length >= OPEN_REQUESTS_MAX) return OPEN_REQUESTS_MAX
  const requested = requests.filter(({ consensus_id }) => isRequestedRound(consensus_id)).length
  return isRequestedRound(consensusId) && requested >= REQUESTED_MAX ? REQUESTED_MAX : undefined
}

/** A tracker says whether one of its tools is used. */
const seeTool = (step: AgentStep, { tools }: AgentKind, tool: string, seen: BreakerState) => {
  const known = step.state.tools?.[tool] ?? "closed"
  if (known !== seen && tools.some(({ name }) => name === tool)) {
    step.persist("ToolStateSeen", { tool, state: seen })
  }
}

const withoutTools = (state: State): ReadonlyArray<string> | undefined => {
  const unavailable = unavailableOf(state)
  return unavailable.length === 0 ? undefined : unavailable
}

/** The policy has an opinion: as the agent's own, or in place of a model's. */
const opined = (step: AgentStep, agent: AgentKind, request: Request, given: Opinion) => {
  const { type } = agent
  const { asked } = request
  const opinion = asked?.fallback === undefined ? given : fallbackOpinion(asked, given)
  step.persist("Answered", { consensus_id: request.consensus_id })
  cancelModelTimer(step, request)
  step.add(
    ...publishTools(type, request, step, opinion.tool_calls),
    ...reportTools(agent, request, given),
    publishDecision(type, request, step, opinion)
  )
  tellIdle(step, type, request)
  step.add(vote(type, request, opinion))
}

/** The round is over, or nobody wants it any more: there is nothing to vote on. */
const cancel = (step: AgentStep, type: AgentType, consensus_id: string) => {
  const request = requestOf(step.state, consensus_id)
  if (request === undefined) return
  const { asked } = request
  step.persist("Failed", { consensus_id, reason: "cancelled" })
  cancelModelTimer(step, request)
  step.add(cancelActivity(asked === undefined ? consensus_id : openKey({ ...request, asked })))
  tellIdle(step, type, request)
}

const report = (type: AgentType, state: State, symbol: string, model: ModelName | undefined) => ({
  agent_id: agentId(type, symbol),
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
