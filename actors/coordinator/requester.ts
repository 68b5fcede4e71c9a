import {
  AllocationProtocol,
  type AnalysisResult,
  CoordinatorProtocol,
  type MarketSymbol
} from "../../protocols/index.ts"
import { answer, answerError, type Refusal, type ReplyTo, send } from "../../runtime/index.ts"

/** Who waits for an analysis: somebody who asked, an allocation, or nobody. */
export interface Requester {
  readonly reply_to: ReplyTo | null
  readonly allocation?: string
}

/** Tells who waits what was decided. */
export const answerRequester = ({ reply_to, allocation }: Requester, result: AnalysisResult) => {
  const { symbol, final_recommendation: decision, confidence, strength, consensus_id } = result
  const decided = { symbol, decision, confidence, consensus_id, ...(strength === undefined ? {} : { strength }) }
  return [
    ...(reply_to === null ? [] : [answer(CoordinatorProtocol, "Analyze", reply_to, result)]),
    ...(allocation === undefined ? [] : [send(AllocationProtocol, allocation, "SymbolDecided", decided)])
  ]
}

/** Tells who waits that there will be no decision, and why. */
export const refuseRequester = (asker: Requester, error: Refusal<typeof CoordinatorProtocol, "Analyze">) => [
  ...(asker.reply_to === null ? [] : [answerError(CoordinatorProtocol, "Analyze", asker.reply_to, error)]),
  ...tellMissing(asker.allocation, error.symbol, error._tag)
]

/** Tells an allocation that there will be no decision. */
export const tellMissing = (allocation: string | undefined, symbol: MarketSymbol, reason: string) =>
  allocation === undefined ? [] : [send(AllocationProtocol, allocation, "SymbolMissing", { symbol, reason })]
