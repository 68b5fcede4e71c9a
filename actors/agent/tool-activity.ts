import { Clock, Effect, Schema } from "effect"
import { events, type ToolCall } from "../../protocols/index.ts"
import type { ActivityContext } from "../../runtime/index.ts"
import type { ToolRequest } from "../model/language-model.ts"
import { readParameters } from "../model/reading.ts"
import type { AgentKind } from "../policy.ts"
import type { AnyTool } from "../tools/tool.ts"
import { parametersJsonSchema, useTool } from "../tools/use.ts"
import type { UseInput } from "./model-conversation.ts"
import { toolExecution } from "./outbound.ts"

/** Uses the tools that a model asked for, one after the other, and publishes each as it ends. A tool that fails says so to the model. */
export const useTools = ({ type, tools }: AgentKind, input: UseInput, { publish }: ActivityContext) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const calls: Array<ToolCall> = []
    for (const [index, request] of input.tools.entries()) {
      const executionId = `${input.consensus_id}.${type}.${input.turn}.${index + 1}`
      const call = useRequested(tools, request, input, executionId, now)
      calls.push(call)
      const { subject, data } = toolExecution(type, input.symbol, call, yield* Clock.currentTimeMillis)
      yield* publish(events.tool_execution, subject, data)
    }
    return calls
  })

/** One use of a tool as a model asked for it, read with patience. Never throws: what goes wrong is in the record. */
export const useRequested = (
  tools: AgentKind["tools"],
  { name, input: parameters }: ToolRequest,
  { bars, past = [], unavailable = [] }: Pick<UseInput, "bars" | "past" | "unavailable">,
  executionId: string,
  now: () => number
): ToolCall => {
  const tool = tools.find((each) => each.name === name)
  if (tool !== undefined && unavailable.includes(name)) return unavailableCall(name, parameters, executionId)
  if (tool !== undefined) {
    const fields = fieldsOf(tool)
    const read = readParameters(parameters, [...fields.keys()], (field) => fields.get(field) === true)
    const call = useTool(tool, read.parameters, { bars, past }, { executionId, now })
    return read.ignored.length === 0 ? call : { ...call, ignored: read.ignored.slice(0, IGNORED_MAX).map(clipName) }
  }
  return {
    execution_id: executionId,
    // A name that is not ours may be anything.
    tool_name: name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "unknown",
    status: "failed",
    execution_time_ms: 0,
    result: null,
    error_message: `there is no such tool; there are ${tools.map((each) => each.name).join(", ")}`,
    error_kind: "invalid_input"
  }
}

/** Of what a tool does not know, so many names are told. */
const IGNORED_MAX = 8
const clipName = (name: string): string => name.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, 64)

const known = new WeakMap<AnyTool, ReadonlyMap<string, boolean>>()

/** The parameters of a tool, and whether each is a number. */
const fieldsOf = (tool: AnyTool): ReadonlyMap<string, boolean> => {
  const fields = known.get(tool) ?? new Map(Object.entries(decodeForm(parametersJsonSchema(tool))))
  known.set(tool, fields)
  return fields
}

const isNumeric = (type: unknown): boolean => type === "number" || type === "integer"

const Form = Schema.Struct({
  properties: Schema.Record(
    Schema.String,
    Schema.Struct({
      type: Schema.optionalKey(Schema.Unknown),
      anyOf: Schema.optionalKey(Schema.Array(Schema.Struct({ type: Schema.optionalKey(Schema.Unknown) })))
    })
  )
})
const decodeFormFields = Schema.decodeUnknownSync(Form)

const decodeForm = (form: unknown): { readonly [name: string]: boolean } =>
  Object.fromEntries(
    Object.entries(decodeFormFields(form).properties).map(([name, { type, anyOf = [] }]) => [
      name,
      isNumeric(type) || anyOf.some((each) => isNumeric(each.type))
    ])
  )

const unavailableCall = (name: string, input: unknown, executionId: string): ToolCall => ({
  execution_id: executionId,
  tool_name: name,
  input,
  status: "failed",
  execution_time_ms: 0,
  result: null,
  error_message: `${name} is not used at present: it failed too often lately`,
  error_kind: "unavailable"
})
