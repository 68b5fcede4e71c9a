import type { AgentType } from "../../protocols/index.ts"
import { rsi, stochastic, williamsR } from "./oscillators.ts"
import type { AnyTool } from "./tool.ts"

/** All tools. */
export const TOOLS: ReadonlyArray<AnyTool> = [rsi, stochastic, williamsR]

/** The tools that an agent type may use. */
export const toolsOf = (type: AgentType): ReadonlyArray<AnyTool> => {
  const names: ReadonlyArray<string> | undefined = TOOL_NAMES[type]
  return names === undefined ? TOOLS : TOOLS.filter(({ name }) => names.includes(name))
}

const TOOL_NAMES: { readonly [T in AgentType]: ReadonlyArray<string> | undefined } = {
  market_analyst: ["rsi", "stochastic", "williams_r"],
  risk_advisor: [],
  strategy_optimizer: ["rsi", "stochastic", "williams_r"],
  performance_coach: [],
  comprehensive: undefined
}
