import { type Effect, Schema } from "effect"
import { ModelName, type ModelProvider } from "../../protocols/index.ts"
import type { ModelError } from "./errors.ts"

/** A tool that a model wants used; its input may be anything. */
export const ToolRequest = Schema.Struct({ id: Schema.String, name: Schema.String, input: Schema.Unknown })
export type ToolRequest = typeof ToolRequest.Type

/** What a model said in one turn. Tokens are null where the server does not count them. */
export const Turn = Schema.Struct({
  text: Schema.String,
  tools: Schema.Array(ToolRequest),
  input_tokens: Schema.NullOr(Schema.Int),
  output_tokens: Schema.NullOr(Schema.Int)
})
export type Turn = typeof Turn.Type

export const Message = Schema.Union([
  Schema.Struct({ role: Schema.Literal("user"), text: Schema.String }),
  Schema.Struct({ role: Schema.Literal("assistant"), text: Schema.String, tools: Schema.Array(ToolRequest) }),
  Schema.Struct({
    role: Schema.Literal("tools"),
    /** `output` is JSON, as a text. */
    results: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String, output: Schema.String }))
  })
])
export type Message = typeof Message.Type

/** A tool as a model is told of it; its parameters are a JSON Schema. */
const ToolForm = Schema.Struct({ name: Schema.String, about: Schema.String, parameters: Schema.Unknown })

/**
 * One question to a model: the conversation so far, the tools it may ask for, and the JSON Schema that its answer must have
 * (null while it may do as it likes). It is all that a model is told, and holds no key, no id of ours and no time of day, so the
 * same conversation is the same question wherever and whenever it is asked.
 */
export const Question = Schema.Struct({
  model: ModelName,
  instructions: Schema.String,
  messages: Schema.Array(Message),
  tools: Schema.Array(ToolForm),
  /** The tools that stand in the conversation and may not be asked for any more: some servers want to see them all the same. */
  told: Schema.optionalKey(Schema.Array(ToolForm)),
  form: Schema.NullOr(Schema.Unknown)
})
export type Question = typeof Question.Type

/** Language models, whoever serves them: one question in, one turn or one typed failure out. It tries once, and can be interrupted. */
export interface LanguageModel {
  readonly ask: (question: Question) => Effect.Effect<Turn, ModelError>
  /** What was learnt of how a model's server wants to be asked, by the names in `habits.ts`; nothing is, unless given. */
  readonly habitsOf?: (model: ModelName) => ReadonlyArray<string>
}

export const providerOf = (model: ModelName): ModelProvider => {
  const name = model.slice(0, model.indexOf(":"))
  return name === "anthropic" || name === "perplexity" || name === "openai" ? name : "ollama"
}

/** What the model is called by who serves it. */
export const nameAt = (model: ModelName): string => model.slice(model.indexOf(":") + 1)

/** Whether the provider's models can ask for tools; to the others the results are given with the question. */
export const takesTools = (model: ModelName): boolean => providerOf(model) !== "perplexity"
