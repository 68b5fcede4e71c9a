import { Duration } from "effect"
import {
  type AgentType,
  agentId,
  type Client,
  type ConsensusRequest,
  type ExperimentPlan,
  ROUND_DEFAULTS,
  type RoundRequest,
  type Voter
} from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import type { OutcomeRule } from "../learning/outcome-rule.ts"

export interface CoordinatorOptions {
  /** The agents that are asked and invited to vote, each once. */
  readonly panel: ReadonlyArray<AgentType>
  /** The panel of single symbols in place of `panel`, by symbol or by a pattern with one `*` (`panelFor`); none unless given. */
  readonly panels?: Panels
  /** The agent types there are, of this node or of others; those that come with the system unless given. Those of panels are added. */
  readonly agentTypes?: ReadonlyArray<AgentType>
  /** How long a round takes votes, in milliseconds, above 0 and at most an hour. */
  readonly roundTimeoutMillis: number
  /** Where votes differ, a strength below this is not enough; 0 to 1. */
  readonly minConfidence: number
  /** How the rounds of analyses are held otherwise; by `weighted_confidence` unless given. */
  readonly round?: Partial<
    Omit<RoundRequest, "symbol" | "correlation_id" | "invited" | "timeout_ms" | "min_confidence">
  >
  /** The portfolio accounts that trade by the decisions on bars of the market itself; none unless given. */
  readonly accounts?: ReadonlyArray<string>
  /**
   * How far a bar may be ahead of the clock and of the bar before it, whichever is later, in milliseconds; as far as a date can be
   * unless given.
   */
  readonly aheadMillis?: number
  /** What decisions are judged by: how often each would have been right is counted by it; `OUTCOME_DEFAULTS` unless given. */
  readonly outcome?: OutcomeRule
  /** Two ways to hold the rounds of analyses, side by side; all are held in one way unless given. */
  readonly experiment?: ExperimentPlan
}

/** How far ahead the bars of a market may be, in milliseconds: as far as a month's are apart. */
export const AHEAD_MILLIS = Duration.toMillis("31 days")

/** Panels by symbol, such as `ACME`, or by a pattern with one `*`, such as `BTC*`, `*USD` or `*`. */
export type Panels = Readonly<Record<string, ReadonlyArray<AgentType>>>

/** Whether a symbol is one that a key of `Panels` names. */
const isNamedBy = (key: string, symbol: string): boolean => {
  const [head = "", tail] = key.split("*")
  if (tail === undefined) return key === symbol
  return symbol.length >= head.length + tail.length && symbol.startsWith(head) && symbol.endsWith(tail)
}

/** The panel of a symbol: what names it alone, or else the longest pattern that it fits, the first of those that are as long; nothing where none does. */
export const panelFor = (panels: Panels, symbol: string): ReadonlyArray<AgentType> | undefined => {
  const found = Object.keys(panels)
    .filter((key) => isNamedBy(key, symbol))
    .toSorted((a, b) => Number(a.includes("*")) - Number(b.includes("*")) || b.length - a.length)[0]
  return found === undefined ? undefined : panels[found]
}

/** The panel as voters on a symbol. */
export const votersOf = ({ panel }: CoordinatorOptions, symbol: string): ReadonlyArray<Voter> =>
  panel.map((type) => ({ agent_id: agentId(type, symbol), agent_type: type }))

/** What the round of an analysis is opened with; `weights` are those that were set, by agent id. */
export const toRoundRequest = (
  options: CoordinatorOptions,
  {
    symbol,
    correlation_id,
    weights,
    client
  }: {
    readonly symbol: string
    readonly correlation_id: string
    readonly weights: { readonly [id: string]: number }
    readonly client?: Client | undefined
  },
  leftMillis = Number.POSITIVE_INFINITY
): RoundRequest => {
  const timeout_ms = Math.max(1, Math.min(options.roundTimeoutMillis, leftMillis))
  const escalation = options.round?.escalation_timeout_ms ?? ROUND_DEFAULTS.escalation_timeout_ms
  return {
    method: "weighted_confidence",
    ...options.round,
    ...omitUndefined({
      weights: someOf(weights),
      escalation_timeout_ms: Number.isFinite(leftMillis) ? Math.max(1, Math.min(escalation, leftMillis)) : undefined
    }),
    symbol,
    correlation_id,
    invited: votersOf(options, symbol),
    timeout_ms,
    min_confidence: options.minConfidence,
    forecast: true,
    ...ownedBy(client)
  }
}

/** What a round keeps of whose it is. */
const ownedBy = (client: Client | undefined) => omitUndefined({ owner: client?.subject, follow_id: client?.follow_id })

const someOf = <W extends object>(weights: W): W | undefined =>
  Object.keys(weights).length === 0 ? undefined : weights

/** What somebody asked for, with what it leaves open. */
export const fillRequest = (
  options: CoordinatorOptions,
  symbol: string,
  weights: { readonly [id: string]: number },
  request: ConsensusRequest,
  client?: Client
): RoundRequest => ({
  method: "weighted_confidence",
  timeout_ms: options.roundTimeoutMillis,
  min_confidence: options.minConfidence,
  invited: votersOf(options, symbol),
  ...omitUndefined({ weights: someOf(weights) }),
  ...request,
  symbol,
  ...ownedBy(client)
})

/** Until when a round that opens at `now` takes the vote of an agent of the panel, in milliseconds since 1970. */
export const votesUntil = (
  { invited, timeout_ms, agent_timeout_ms }: RoundRequest,
  voter: string,
  now: number
): number => {
  const own = invited.find(({ agent_id }) => agent_id === voter)?.agent_timeout_ms ?? agent_timeout_ms
  return now + Math.min(timeout_ms, own ?? timeout_ms)
}

/** A round ends by its deadlines; what is not heard of this much later, in milliseconds, will not be heard of. */
const OVERDUE_MARGIN_MILLIS = 30_000

/** How long after its opening a round has surely ended, in milliseconds. */
export const lifetimeOf = ({ timeout_ms, conflict_resolution, escalation_timeout_ms }: RoundRequest): number =>
  timeout_ms +
  (conflict_resolution === "escalate_to_human" ? (escalation_timeout_ms ?? ROUND_DEFAULTS.escalation_timeout_ms) : 0) +
  OVERDUE_MARGIN_MILLIS
