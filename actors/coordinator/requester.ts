import {
  AllocationProtocol,
  type AnalysisResult,
  CoordinatorProtocol,
  type MarketSymbol
} from "../../protocols/index.ts"
import { answer, answerError, omitUndefined, type Refusal, type ReplyTo, send } from "../../runtime/index.ts"
import type { CoordinatorStep } from "./state.ts"

/** Who waits for an analysis: somebody who asked, an allocation, or nobody. */
export interface Requester {
  readonly reply_to: ReplyTo | null
  readonly allocation?: string
}

/** Tells who waits what was decided. */
export const answerRequester = (step: CoordinatorStep, { reply_to, allocation }: Requester, result: AnalysisResult) => {
  if (reply_to !== null) step.add(answer(CoordinatorProtocol, "Analyze", reply_to, result))
  if (allocation === undefined) return
  const { symbol, final_recommendation: decision, confidence, strength, consensus_id } = result
  const decided = omitUndefined({ symbol, decision, confidence, consensus_id, strength })
  step.add(send(AllocationProtocol, allocation, "SymbolDecided", decided))
}

/** Tells who waits that there will be no decision, and why. */
export const refuseRequester = (
  step: CoordinatorStep,
  { reply_to, allocation }: Requester,
  error: Refusal<typeof CoordinatorProtocol, "Analyze">
) => {
  if (reply_to !== null) step.add(answerError(CoordinatorProtocol, "Analyze", reply_to, error))
  tellMissing(step, allocation, error.symbol, error._tag)
}

/** Tells an allocation that there will be no decision. */
export const tellMissing = (
  step: CoordinatorStep,
  allocation: string | undefined,
  symbol: MarketSymbol,
  reason: string
) => {
  if (allocation !== undefined) step.add(send(AllocationProtocol, allocation, "SymbolMissing", { symbol, reason }))
}
