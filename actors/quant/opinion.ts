import type {
  BarWindow,
  ContextItems,
  HouseType,
  Opinion,
  OutcomeCounts,
  PastDecision,
  Probabilities,
  Strengths
} from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { OUTCOME_DEFAULTS, type OutcomeRule } from "../learning/outcome-rule.ts"
import { coach } from "./coach.ts"
import { forecastOf } from "./forecast.ts"
import { analyst, optimizer, type Rule, risk, type View } from "./rules.ts"
import { pool, softmax, strongest, tempered } from "./scores.ts"
import { type Heard, hear, heardText, leant } from "./sentiment.ts"
import { openToolSession, type RoutedAround } from "./tool-session.ts"

/** What an opinion is formed of. */
export interface QuantRequest {
  readonly bars: BarWindow
  /** The latest joint decisions on the symbol, oldest first; none unless given. */
  readonly past?: ReadonlyArray<PastDecision>
  /** News and sentiment, which count by their scores, within bounds (`sentiment.ts`); none unless given. */
  readonly context?: ContextItems
  /** What makes a decision right, and so what the probabilities are of; `OUTCOME_DEFAULTS` unless given. */
  readonly outcome?: OutcomeRule
  /** How often each decision would have been right by that rule in all the past; the bars tell unless given. */
  readonly outcomes?: OutcomeCounts
}

export interface QuantOptions {
  /** What the execution ids of tool calls begin with, before a dot and the tool's name. */
  readonly executionPrefix: string
  /** Milliseconds from any origin; only differences are used, for `execution_time_ms`. */
  readonly now: () => number
  /** Names of tools that are not to be used; none unless given. */
  readonly unavailable?: ReadonlySet<string>
}

const RULES = {
  market_analyst: analyst,
  risk_advisor: risk,
  strategy_optimizer: optimizer,
  performance_coach: coach
}
type Single = keyof typeof RULES
const PANEL: ReadonlyArray<Single> = ["market_analyst", "risk_advisor", "strategy_optimizer", "performance_coach"]

/** How much each of the panel counts in `comprehensive`: the same, for nothing here learns who is better. */
const POOL_WEIGHT = 1

/** What is left of the scores for each reading that nothing could give. */
const MISSING_FACTOR = 0.7

/**
 * An agent type's opinion by fixed rules. Pure, but for what `now` says: the same for the same bars and past.
 *
 * The rules' strengths make the decision, the greatest of them. The probabilities say how likely each is to turn out right, and the
 * confidence is that of the decision (`forecast.ts`).
 *
 * A tool that is unavailable is replaced by its substitute, or gone without at less strength; reasoning and
 * `routed_around` in the metadata say so. Where a tool that is needed has too few bars or fails, the opinion is HOLD
 * with each decision as strong. What was made of news and sentiment is in reasoning and `context` of the metadata, also where
 * nothing was. `comprehensive` is the logarithmic pool of those of the panel that have a view.
 */
export const quantOpinion = (type: HouseType, request: QuantRequest, options: QuantOptions): Opinion => {
  const { bars, outcome = OUTCOME_DEFAULTS, outcomes } = request
  const opinionOf = (said: DraftOpinion) =>
    toOpinion(said, (strengths) => forecastOf(strengths, bars, outcome, outcomes))
  if (type !== "comprehensive") return opinionOf(single(type, request, options))
  const panel = PANEL.map((member) => ({
    member,
    said: single(member, request, { ...options, executionPrefix: `${options.executionPrefix}.${member}` })
  }))
  const opinions = panel.map(({ member, said }) => ({ member, hasView: said.hasView, ...opinionOf(said) }))
  const views = opinions.filter(({ hasView }) => hasView)
  const seen = views.map(({ member, decision, confidence }) => `${member} ${decision} ${confidence.toFixed(2)}`)
  return opinionOf({
    strengths: pool(
      panel.flatMap(({ said }) => (said.hasView ? [{ weight: POOL_WEIGHT, strengths: said.strengths }] : []))
    ),
    reasoning:
      (seen.length === 0 ? "Nobody of the panel has a view. " : `Pooled from ${seen.join(", ")}. `) +
      opinions.map(({ member, reasoning }) => `${member}: ${reasoning}`).join(" "),
    calls: panel.flatMap(({ said }) => said.calls),
    routedAround: distinct(panel.flatMap(({ said }) => said.routedAround)),
    hasView: views.length > 0,
    heard: mostHeard(panel.flatMap(({ said }) => said.heard ?? []))
  })
}

/** An opinion before it is put into the protocol's words. */
interface DraftOpinion {
  readonly strengths: Strengths
  readonly reasoning: string
  readonly calls: Opinion["tool_calls"]
  readonly routedAround: ReadonlyArray<RoutedAround>
  readonly hasView: boolean
  /** What was made of news and sentiment, where there were any. */
  readonly heard: Heard | undefined
}

/** Of a panel that hears the same, what those made of it who went by most. */
const mostHeard = (all: ReadonlyArray<Heard>): Heard | undefined => all.toSorted((a, b) => b.used - a.used)[0]

const single = (
  type: Single,
  { bars, past = [], context = [] }: QuantRequest,
  { unavailable = NONE, ...rest }: QuantOptions
): DraftOpinion => {
  const session = openToolSession({ bars, past }, { ...rest, unavailable })
  const rule: Rule = RULES[type]
  const found = rule(session, bars)
  const view = session.failed() ? undefined : found
  const routedAround = distinct(session.routedAround)
  const missing = routedAround.filter(({ instead }) => instead === null).length
  const { scores, reasoning } = view ?? unsure(session.calls)
  const given = hear(type, context, bars)
  const heard = given !== undefined && view === undefined ? { ...given, ...NO_VIEW } : given
  return {
    strengths: softmax(leant(type, tempered(scores, MISSING_FACTOR ** missing), heard)),
    reasoning: [reasoning, ...routedAround.map(detour), ...(heard ? [heardText(type, heard)] : [])].join(" "),
    heard,
    calls: session.calls,
    routedAround,
    hasView: view !== undefined
  }
}

const NONE: ReadonlySet<string> = new Set()
const NO_VIEW = { used: 0, lean: 0, reason: "there is no view that they could move" }

/** There is no view, for want of bars and nothing else. */
const lacksBars = ({ hasView, calls }: DraftOpinion): boolean =>
  !hasView && calls.some(({ error_kind }) => error_kind === "insufficient_data")

const toOpinion = (said: DraftOpinion, forecast: (strengths: Strengths) => Probabilities): Opinion => {
  const { strengths, reasoning, calls, routedAround, heard } = said
  const decision = strongest(strengths)
  const probabilities = forecast(strengths)
  return {
    decision,
    confidence: probabilities[decision],
    probabilities,
    strengths,
    reasoning,
    tool_calls: calls,
    metadata: omitUndefined({
      policy: "quant",
      warm_up: lacksBars(said) ? true : undefined,
      routed_around: routedAround.length === 0 ? undefined : routedAround,
      context: heard
    })
  }
}

const unsure = (calls: Opinion["tool_calls"]): View => ({
  scores: { BUY: 0, SELL: 0, HOLD: 0 },
  reasoning: `No view yet: ${calls.flatMap((call) => call.error_message ?? []).join("; ")}.`
})

const detour = ({ tool, instead }: RoutedAround): string =>
  instead === null ? `This is without ${tool}, which is unavailable.` : `${tool} is unavailable; ${instead} stands in.`

const distinct = (all: ReadonlyArray<RoutedAround>): ReadonlyArray<RoutedAround> =>
  all.filter((one, at) => all.findIndex(({ tool, instead }) => tool === one.tool && instead === one.instead) === at)
