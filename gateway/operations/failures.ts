import { Match } from "effect"
import {
  type Failure,
  forbiddenOperation,
  internal,
  invalidRequest,
  timedOut,
  tooLarge,
  unavailable
} from "../failures/failure.ts"
import type { NotReady } from "../serving.ts"
import type { AllocationFailure } from "./allocation.ts"
import type { AnalyzeFailure, CancelAnalysisFailure } from "./analysis.ts"
import type { ConsensusFailure } from "./consensus.ts"
import type { FeedFailure } from "./market.ts"
import type { PortfolioFailure } from "./portfolio.ts"
import type { TaskFailure } from "./tasks.ts"
import type { ToolFailure } from "./tools.ts"

/** What may go wrong with anything that a client asks for. */
export type OperationFailure =
  | AnalyzeFailure
  | CancelAnalysisFailure
  | ConsensusFailure
  | AllocationFailure
  | PortfolioFailure
  | FeedFailure
  | ToolFailure
  | TaskFailure
  | NotReady

const NOT_TAKEN = "The vote was not taken"

const unknown = (what: string, detail: string) => (): Failure => ({
  status: 404,
  code: `unknown-${what}`,
  title: `There is no such ${what}`,
  detail
})

const conflict = (code: string, title: string, detail: string) => (): Failure => ({ status: 409, code, title, detail })

const forbidden = (code: string, title: string, detail: string) => (): Failure => ({ status: 403, code, title, detail })

const tooMany =
  (code: string, title: string) =>
  (failure: { readonly message: string }): Failure => ({
    status: 429,
    code,
    title,
    detail: failure.message
  })

/** Every way in which an operation can fail, by its tag, as the client may know it. */
export const failureOf: (failure: OperationFailure) => Failure = Match.typeTags<OperationFailure, Failure>()({
  TooManySymbols: tooMany("too-many-symbols", "Too many symbols"),
  TooManyRounds: tooMany("too-many-rounds", "Too many rounds"),
  TooManyTasks: tooMany("too-many-tasks", "Too many tasks"),
  OverBudget: ({ message: detail, retry_after: retrySeconds }) => ({
    status: 429,
    code: "over-budget",
    title: "Too much in too short a time",
    detail,
    retrySeconds
  }),
  NotSeen: ({ pattern }) => forbiddenOperation(`to see ${pattern}`),

  NoMarketData: () => ({
    status: 409,
    code: "no-market-data",
    title: "No bars of this symbol are known",
    detail: `agents have nothing to look at; an analysis may bring bars, oldest first: [{"time":<ms>,"open":…,"high":…,"low":…,"close":…,"volume":…}, …]`,
    field: "bars"
  }),
  LookAhead: ({ index, time, bar_time }) =>
    invalidRequest({
      field: `context[${index}].time`,
      rule: `${time} is later than the last bar, whose time is ${bar_time}: a decision on it could not know that`
    }),
  CoordinatorBusy: ({ waiting }) => ({
    status: 429,
    code: "coordinator-busy",
    title: "Too much waits for this symbol",
    detail: `${waiting} analyses are waiting already: try again later`,
    retrySeconds: 1
  }),
  AnalysisLost: () => unavailable("analysis-lost", "the analysis was begun and not heard of again", 1),
  AnalysisCancelled: conflict(
    "cancelled",
    "The analysis was cancelled",
    "somebody cancelled it before it had a result"
  ),
  DeadlinePassed: () => timedOut("The analysis took too long", "its deadline passed before its turn came"),
  UnknownAnalysis: unknown("analysis", "no analysis of this symbol with this correlation id is waiting or under way"),

  UnknownTask: unknown("task", "no task of yours with this id is known to this gateway"),
  SimulationRunning: ({ symbol }) =>
    conflict(
      "simulation-running",
      "The market is being simulated",
      `a market of ${symbol} is being simulated already`
    )(),
  NotOffered: () => unavailable("not-offered", "this gateway was started without what runs such tasks", 30),

  UnknownAllocation: unknown("allocation", "nobody asked for an allocation with this id"),
  AllocationOpen: internal,
  UnknownAccount: unknown("account", "no account with this name has been told of a price or a decision"),
  UnknownTool: ({ agent_type, tool }) => ({
    status: 404,
    code: "unknown-tool",
    title: "Nothing is known of this tool",
    detail: `${agent_type} has never used a tool named ${tool}`
  }),
  FutureTime: ({ time, latest }) => ({
    status: 400,
    code: "future-time",
    title: "This time is in the future",
    detail: `a bar of the time ${time} is not taken: at present none is later than ${latest} (milliseconds since 1970), or all others would be stale`,
    field: "bars"
  }),

  UnknownRound: unknown("round", "no round with this id was opened"),
  InvalidRound: ({ field, rule }) => invalidRequest({ field, rule }),
  RoundClosed: conflict("round-closed", "The round is closed", "it takes no votes any more"),
  NotOwner: forbidden("not-owner", "The round is another's", "only who opened it may do that"),
  NotInvited: forbidden("not-invited", NOT_TAKEN, "the round has no such voter, or the token is not the voter's"),
  DuplicateVote: conflict(
    "duplicate-vote",
    NOT_TAKEN,
    "this voter has voted or abstained already, and its first word counts"
  ),

  KeyReused: () => ({
    status: 409,
    code: "key-reused",
    title: "The key was used for something else",
    detail:
      "the idempotency key, or the id of the operation, was used before by another caller, for another operation or with another body: a new request needs a new one",
    field: "idempotency-key"
  }),
  MailboxFull: ({ retry_after_ms }) =>
    unavailable("mailbox-full", "too many messages are waiting for the actor", retry_after_ms / 1000),
  Overloaded: ({ retry_after_ms }) =>
    unavailable("overloaded", "too much is waiting to be sent", retry_after_ms / 1000),
  LogFull: ({ retry_after_ms }) =>
    unavailable("log-full", "the log is full: nothing can be stored until there is room", retry_after_ms / 1000),
  LogUnavailable: () => unavailable("log-unavailable", "the log does not answer", 1),
  LogReplaced: () => unavailable("log-replaced", "the log was replaced: the system has to be started anew", 30),
  ActorUnavailable: () =>
    unavailable(
      "actor-unavailable",
      "the actor is paused, or no live node has its type; its message is kept and waits",
      10
    ),
  NoNodeServes: ({ detail }) => unavailable("no-node", detail, 5),
  AskTimeout: ({ timeout_ms }) =>
    timedOut(
      "It took too long",
      `no answer within ${timeout_ms} ms; it may still be under way, and its events will be published`
    ),
  TooLarge: () => tooLarge("what was sent is more than the log takes in one message"),
  InvalidAddress: internal,
  InvalidMessage: internal,
  ActorFailed: internal,
  ActorStopped: internal,
  LogRefused: internal,
  Fenced: internal,
  AlreadyStored: internal,
  NotReady: ({ detail }) => ({
    status: 503,
    code: "not-ready",
    title: "Not ready",
    detail: `the system cannot answer requests now: ${detail}`,
    retrySeconds: 1
  })
})
