import { type AgentType, type HouseType, isHouseType } from "../../protocols/index.ts"
import { ema, macd, sma } from "./averages.ts"
import { markov } from "./markov.ts"
import { rsi, stochastic, williamsR } from "./oscillators.ts"
import { adx, atr, bollinger } from "./ranges.ts"
import { regime } from "./regime.ts"
import { tradeReview } from "./review.ts"
import { positionSize, riskLimits } from "./risk.ts"
import type { AnyTool } from "./tool.ts"
import { drawdown, volatility } from "./volatility.ts"

/** The tools that come with the system, by name. */
export const HOUSE_TOOLS = {
  ...{ sma, ema, macd, rsi, stochastic, williams_r: williamsR, bollinger, atr, adx },
  ...{ volatility, drawdown, regime, markov, position_size: positionSize, risk_limits: riskLimits },
  trade_review: tradeReview
} as const

/** All of them. */
export const TOOLS: ReadonlyArray<AnyTool> = Object.values(HOUSE_TOOLS)

/** The tools of an agent type that comes with the system, those that its quant rules and their substitutes take among them; of others none. */
export const toolsOf = (type: AgentType): ReadonlyArray<AnyTool> => (isHouseType(type) ? LISTS[type] : NONE)

const NONE: ReadonlyArray<AnyTool> = []

const LISTS: { readonly [T in HouseType]: ReadonlyArray<AnyTool> } = {
  market_analyst: [sma, ema, macd, rsi, stochastic, williamsR, bollinger, atr, adx, volatility, regime, markov],
  risk_advisor: [volatility, atr, drawdown, regime, adx, positionSize, riskLimits],
  strategy_optimizer: [adx, bollinger, stochastic, williamsR, rsi, atr, regime, markov, positionSize],
  performance_coach: [tradeReview, regime, drawdown, volatility, adx],
  comprehensive: TOOLS
}
