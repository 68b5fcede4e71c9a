// What agents, their models and tools do during one analysis, as lines for people.
import { Schema } from "effect"
import { AgentDecision, Alert, ModelCall, ModelUsage, ToolExecution } from "../../protocols/index.ts"
import { forTerminal } from "../escaping.ts"
import { plain } from "../table.ts"

const Stored = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("model_call"), data: ModelCall }),
    Schema.Struct({ type: Schema.Literal("tool_execution"), data: ToolExecution }),
    Schema.Struct({ type: Schema.Literal("agent_decision"), data: AgentDecision }),
    Schema.Struct({ type: Schema.Literal("alert"), data: Alert })
  ])
)
export type Shown = typeof Stored.Type

/** An event that is shown; nothing for others. */
export const shownEvent = Schema.decodeUnknownOption(Stored)

/** The lines of an event. */
export const conversationText = (event: Shown): string => {
  switch (event.type) {
    case "model_call":
      return callText(event.data)
    case "tool_execution":
      return toolText(event.data)
    case "agent_decision":
      return decisionText(event.data)
    case "alert":
      return `! ${event.data.severity}: ${plain(event.data.message)}`
  }
}

const callText = (call: ModelCall): string => {
  const again = call.attempt === 1 ? "" : `, try ${call.attempt}`
  const head = `${call.agent_type} → ${call.model}, turn ${call.turn}${again}: ${call.status} in ${call.elapsed_ms.toFixed(0)} ms`
  if (call.status !== "success") return `${head}: ${call.error_kind}: ${plain(call.error_message ?? "")}`
  const tokens = `${call.input_tokens ?? "?"} tokens in, ${call.output_tokens ?? "?"} out, ${dollars(call.cost_usd)}`
  const asks = call.tools.map(
    ({ tool_name, input }) => `    asks for ${plain(tool_name)} ${forTerminal(JSON.stringify(input) ?? "nothing")}`
  )
  const says =
    call.text.trim() === "" ? [] : [`    says ${forTerminal(call.text.trim()).replaceAll("\n", "\n         ")}`]
  return [`${head}, ${tokens}`, ...says, ...asks].join("\n")
}

const toolText = ({
  tool_name,
  status,
  execution_time_ms,
  result,
  error_message,
  agent_id
}: typeof ToolExecution.Type) =>
  `${plain(agent_id)} ${plain(tool_name)}: ${status} in ${execution_time_ms.toFixed(1)} ms: ${plain(error_message ?? short(JSON.stringify(result) ?? "nothing"))}`

const RESULT_SHOWN_MAX = 120

const short = (text: string): string => (text.length > RESULT_SHOWN_MAX ? `${text.slice(0, RESULT_SHOWN_MAX)}…` : text)

const decodeMetadata = Schema.decodeUnknownSync(
  Schema.Struct({
    policy: Schema.String,
    usage: Schema.optionalKey(ModelUsage),
    resolved: Schema.optionalKey(Schema.Struct({ field: Schema.String, rule: Schema.String })),
    fallback: Schema.optionalKey(Schema.Struct({ model: Schema.String, kind: Schema.String, reason: Schema.String }))
  })
)

const decisionText = ({ agent_type, decision, confidence, metadata }: typeof AgentDecision.Type): string => {
  const { policy, usage, fallback, resolved } = decodeMetadata(metadata)
  const instead =
    fallback === undefined ? "" : ` in place of ${fallback.model} (${fallback.kind}: ${plain(fallback.reason)})`
  const doubt = resolved === undefined ? "" : `, which contradicted itself (${resolved.field} ${resolved.rule})`
  const spent = usage === undefined ? "" : `; ${usageText(usage)}`
  return `${agent_type} decides ${decision} ${confidence.toFixed(2)} by ${plain(policy)}${doubt}${instead}${spent}`
}

/** What models were used for something, and what it cost. */
export const usageText = (usage: ModelUsage): string => {
  const lost =
    usage.lost_calls === 0 ? "" : `, ${usage.lost_calls} lost (about ${dollars(usage.estimated_lost_cost_usd)})`
  return `${usage.calls} calls${lost}, ${usage.input_tokens} tokens in, ${usage.output_tokens} out, ${dollars(usage.cost_usd)}`
}

const dollars = (amount: number | null): string => (amount === null ? "price not known" : `$${amount.toFixed(6)}`)
