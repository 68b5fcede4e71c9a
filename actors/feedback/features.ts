// What a tracker is told of the executions behind an opinion.
import { Schema } from "effect"
import { type Opinion, TOOL_FEATURES_MAX, type ToolCall, type ToolUse } from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"

const WORD_MAX = 64
const INPUTS_MAX = 6

/** The executions of tools behind an opinion, by tool, each with what was the case. Tools that were not used are left out. */
export const usesOf = (
  symbol: string,
  { tool_calls, metadata }: Pick<Opinion, "tool_calls" | "metadata">
): ReadonlyArray<{ readonly tool: string; readonly use: ToolUse }> => {
  const circumstances = { symbol, ...circumstancesOf(tool_calls, metadata) }
  return tool_calls
    .filter(({ error_kind }) => error_kind !== "unavailable")
    .map((call) => ({
      tool: call.tool_name,
      use: omitUndefined({
        execution_id: call.execution_id,
        symbol,
        status: call.status,
        execution_time_ms: Math.max(0, call.execution_time_ms),
        error_kind: call.error_kind,
        error_message: call.error_message,
        features: words({ ...circumstances, ...inputsOf(call) })
      })
    }))
}

const Regime = Schema.Struct({ regime: Schema.String })
const Volatility = Schema.Struct({ relative: Schema.Finite })

/** What other tools of the same opinion say of the market then, and who decided. */
const circumstancesOf = (calls: ReadonlyArray<ToolCall>, { policy }: Opinion["metadata"]) => {
  const read = <S extends Schema.Codec<unknown, unknown>>(tool: string, schema: S): S["Type"] | undefined => {
    const call = calls.find(({ tool_name, status }) => tool_name === tool && status === "success")
    return call !== undefined && Schema.is(schema)(call.result) ? call.result : undefined
  }
  const regime = read("regime", Regime)?.regime
  const relative = read("volatility", Volatility)?.relative
  return omitUndefined({
    policy: typeof policy === "string" ? policy : undefined,
    regime,
    volatility: relative === undefined ? undefined : relative < 0.75 ? "low" : relative < 1.33 ? "usual" : "high"
  })
}

/** The parameters that are numbers, words or switches; what is nested says nothing in a word. */
const inputsOf = ({ input }: ToolCall): { readonly [feature: string]: string } =>
  Object.fromEntries(
    Object.entries(Object(input))
      .filter(([, value]) => typeof value !== "object" && value !== undefined)
      .slice(0, INPUTS_MAX)
      .map(([name, value]) => [`input.${name}`, String(value)])
  )

const words = (features: { readonly [feature: string]: string }): ToolUse["features"] =>
  Object.fromEntries(
    Object.entries(features)
      .slice(0, TOOL_FEATURES_MAX)
      .map(([name, value]) => [name.slice(0, WORD_MAX), value.slice(0, WORD_MAX)])
  )
