import type { FutureTime as FutureTimeSchema } from "../../protocols/index.ts"
import type { AllocationFailure } from "../operations/allocation.ts"
import type { AnalyzeFailure, CancelAnalysisFailure } from "../operations/analysis.ts"
import type { OverBudget } from "../operations/budget.ts"
import type { NotSeen } from "../operations/caller.ts"
import type { ConsensusFailure } from "../operations/consensus.ts"
import type { FeedFailure } from "../operations/market.ts"
import type { PortfolioFailure } from "../operations/portfolio.ts"
import type { TooManyRounds, TooManySymbols } from "../operations/quota.ts"
import type { Reply } from "../uws.ts"
import { askProblem } from "./ask-problem.ts"
import { forbiddenOperation, internal, invalidRequest, problem, unavailable } from "./problem.ts"

type FutureTime = typeof FutureTimeSchema.Type

/** What may go wrong with anything that a client asks for. */
export type OperationFailure =
  | AnalyzeFailure
  | CancelAnalysisFailure
  | ConsensusFailure
  | AllocationFailure
  | PortfolioFailure
  | FeedFailure
  | NotSeen
  | OverBudget

/** What went wrong, as the client may know it. */
export const failureProblem = (failure: OperationFailure, correlationId?: string): Reply => {
  switch (failure._tag) {
    case "TooManySymbols":
    case "TooManyRounds":
      return quotaProblem(failure, correlationId)
    case "OverBudget":
      return problem({
        status: 429,
        code: "over-budget",
        title: "Too much in too short a time",
        detail: failure.message,
        correlationId,
        headers: { "retry-after": String(failure.retry_after) }
      })
    case "NoMarketData":
    case "LookAhead":
    case "CoordinatorBusy":
    case "AnalysisLost":
    case "AnalysisCancelled":
    case "DeadlinePassed":
      return analysisProblem(failure, correlationId)
    case "FutureTime":
      return futureTime(failure, correlationId)
    case "NotSeen":
      return forbiddenOperation(`to see ${failure.pattern}`)
    case "UnknownAnalysis":
    case "UnknownAllocation":
    case "UnknownAccount":
    case "UnknownRound":
    case "NotInvited":
    case "DuplicateVote":
    case "RoundClosed":
    case "NotOwner":
      return problem({ ...REFUSALS[failure._tag], correlationId })
    case "InvalidRound":
      return invalidRequest({ field: failure.field, rule: failure.rule }, correlationId)
    case "AllocationOpen":
      return internal(correlationId)
    default:
      return askProblem(failure, correlationId)
  }
}

const quotaProblem = (failure: TooManySymbols | TooManyRounds, correlationId?: string): Reply => {
  const symbols = failure._tag === "TooManySymbols"
  return problem({
    status: 429,
    code: symbols ? "too-many-symbols" : "too-many-rounds",
    title: symbols ? "Too many symbols" : "Too many rounds",
    detail: failure.message,
    correlationId
  })
}

type AnalysisRefusal = Extract<
  AnalyzeFailure,
  {
    readonly _tag:
      | "NoMarketData"
      | "LookAhead"
      | "CoordinatorBusy"
      | "AnalysisLost"
      | "AnalysisCancelled"
      | "DeadlinePassed"
  }
>

const analysisProblem = (failure: AnalysisRefusal, correlationId?: string): Reply => {
  switch (failure._tag) {
    case "NoMarketData":
      return problem({
        status: 409,
        code: "no-market-data",
        title: "No bars of this symbol are known",
        detail: `agents have nothing to look at; an analysis may bring bars, oldest first: [{"time":<ms>,"open":…,"high":…,"low":…,"close":…,"volume":…}, …]`,
        field: "bars",
        correlationId
      })
    case "LookAhead":
      return invalidRequest(
        {
          field: `context[${failure.index}].time`,
          rule: `${failure.time} is later than the last bar, whose time is ${failure.bar_time}: a decision on it could not know that`
        },
        correlationId
      )
    case "CoordinatorBusy":
      return problem({
        status: 429,
        code: "coordinator-busy",
        title: "Too much waits for this symbol",
        detail: `${failure.waiting} analyses are waiting already: try again later`,
        correlationId,
        headers: { "retry-after": "1" }
      })
    case "AnalysisLost":
      return unavailable("analysis-lost", "the analysis was begun and not heard of again", 1, correlationId)
    case "AnalysisCancelled":
      return problem({
        status: 409,
        code: "cancelled",
        title: "The analysis was cancelled",
        detail: "somebody cancelled it before it had a result",
        correlationId
      })
    case "DeadlinePassed":
      return problem({
        status: 504,
        code: "timeout",
        title: "The analysis took too long",
        detail: "its deadline passed before its turn came",
        correlationId
      })
  }
}

/** 400: a time is later than can be. */
const futureTime = ({ time, latest }: FutureTime, correlationId?: string): Reply =>
  problem({
    status: 400,
    code: "future-time",
    title: "This time is in the future",
    detail: `a bar of the time ${time} is not taken: at present none is later than ${latest} (milliseconds since 1970), or all others would be stale`,
    field: "bars",
    correlationId
  })

const NOT_TAKEN = "The vote was not taken"

/** Why a word was refused; `detail` says it in words. */
const REFUSALS = {
  UnknownAnalysis: {
    status: 404,
    code: "unknown-analysis",
    title: "There is no such analysis",
    detail: "no analysis of this symbol with this correlation id is waiting or under way"
  },
  UnknownAllocation: {
    status: 404,
    code: "unknown-allocation",
    title: "There is no such allocation",
    detail: "nobody asked for an allocation with this id"
  },
  UnknownAccount: {
    status: 404,
    code: "unknown-account",
    title: "There is no such account",
    detail: "no account with this name has been told of a price or a decision"
  },
  UnknownRound: {
    status: 404,
    code: "unknown-round",
    title: "There is no such round",
    detail: "no round with this id was opened"
  },
  RoundClosed: {
    status: 409,
    code: "round-closed",
    title: "The round is closed",
    detail: "it takes no votes any more"
  },
  NotOwner: {
    status: 403,
    code: "not-owner",
    title: "The round is another's",
    detail: "only who opened it may do that"
  },
  NotInvited: {
    status: 403,
    code: "not-invited",
    title: NOT_TAKEN,
    detail: "the round has no such voter, or the token is not the voter's"
  },
  DuplicateVote: {
    status: 409,
    code: "duplicate-vote",
    title: NOT_TAKEN,
    detail: "this voter has voted or abstained already, and its first word counts"
  }
} as const
