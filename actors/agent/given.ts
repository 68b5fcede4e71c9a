// Figures that came with a request, beside those of the agent's own tools.
import type { Indicators, Opinion, ToolCall } from "../../protocols/index.ts"

/** An opinion with what was given shown beside what the tools that were used say of the same name; as it was where nothing was given. */
export const besideOurs = (opinion: Opinion, indicators: Indicators | undefined): Opinion => {
  if (indicators === undefined) return opinion
  const shown = Object.entries(indicators).map(([name, given]) => ({
    name,
    given,
    ours: oursOf(name, opinion.tool_calls)
  }))
  return { ...opinion, metadata: { ...opinion.metadata, given_indicators: shown } }
}

/** What a tool says under a name: `rsi`, or `macd.signal` for one of several; null where none does. */
const oursOf = (name: string, calls: ReadonlyArray<ToolCall>): number | null => {
  const [tool, member = tool] = name.toLowerCase().split(".")
  const call = calls.find((each) => each.tool_name === tool && each.status === "success")
  const result = Object(call?.result)
  const value = member !== undefined && Object.hasOwn(result, member) ? result[member] : undefined
  return typeof value === "number" ? value : null
}
