import { Result, Schema } from "effect"
import type { ToolCall } from "../../protocols/index.ts"
import type { AnyTool, Attempt, ToolInput } from "./tool.ts"

export interface UseOptions {
  readonly executionId: string
  /** Milliseconds from any origin; only differences are used, for `execution_time_ms`. */
  readonly now: () => number
}

/** The most characters of parameters that are recorded. */
export const INPUT_LENGTH_MAX = 4_000

/**
 * Uses a tool and records it. Never throws: whatever goes wrong is in the record, with its kind.
 *
 * `parameters` may be anything, as from a model; what is missing has its default.
 */
export const useTool = (
  tool: AnyTool,
  parameters: unknown,
  input: ToolInput,
  { executionId, now }: UseOptions
): ToolCall => {
  const startedAt = now()
  const attempt = tryTool(tool, parameters, input)
  return record(tool, attempt, recordable(parameters), executionId, Math.max(0, now() - startedAt))
}

/** The attempt, where a tool that throws is one more way to fail. */
export const tryTool = <R>(
  tool: { readonly name: string; readonly attempt: (parameters: unknown, input: ToolInput) => Attempt<R> },
  parameters: unknown,
  input: ToolInput
): Attempt<R> =>
  Result.getOrElse(
    Result.try(() => tool.attempt(parameters, input)),
    (cause): Attempt<R> => {
      const said = cause instanceof Error ? cause.message : "something that is no error was thrown"
      return { _tag: "Failure", kind: "defect", message: `${tool.name} is broken: ${said.slice(0, 300)}` }
    }
  )

/** An attempt as it is told to the world. */
export const record = (
  tool: AnyTool,
  attempt: Attempt<unknown>,
  input: unknown,
  executionId: string,
  elapsedMillis: number
): ToolCall => {
  const call = { execution_id: executionId, tool_name: tool.name, execution_time_ms: elapsedMillis, input }
  if (attempt._tag === "Success") return { ...call, status: "success", result: attempt.value }
  return { ...call, status: "failed", result: null, error_message: attempt.message, error_kind: attempt.kind }
}

/** JSON Schema (draft 2020-12) of a tool's parameters, with defaults, to give to a language model. */
export const parametersJsonSchema = (tool: AnyTool): object => {
  const defaults: unknown = Schema.decodeUnknownSync(tool.parameters)({})
  const { schema } = Schema.toJsonSchemaDocument(tool.parameters)
  return { ...schema, properties: withDefaults(schema.properties, defaults), additionalProperties: false }
}

/** JSON Schema (draft 2020-12) of a tool's result. */
export const resultJsonSchema = (tool: AnyTool): object => ({ ...Schema.toJsonSchemaDocument(tool.result).schema })

const withDefaults = (properties: unknown, defaults: unknown): unknown =>
  Object.fromEntries(
    Object.entries(properties ?? {}).map(([name, property]) => [
      name,
      { ...property, default: new Map(Object.entries(defaults ?? {})).get(name) }
    ])
  )

/** Parameters as JSON keeps them; what JSON cannot hold, or is too long, in words. */
const recordable = (parameters: unknown): unknown => {
  const text = Result.try(() => JSON.stringify(parameters) ?? "null")
  if (Result.isFailure(text)) return "parameters that JSON cannot hold"
  return text.success.length > INPUT_LENGTH_MAX
    ? `${text.success.slice(0, INPUT_LENGTH_MAX)}…`
    : JSON.parse(text.success)
}
