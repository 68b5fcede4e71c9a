import { generateText, type JSONSchema7, jsonSchema, type ModelMessage, Output, type ToolSet } from "ai"
import { Effect } from "effect"
import { TOOLS_PER_TURN_MAX } from "./conversation.ts"
import { ModelError } from "./errors.ts"
import { failureOf } from "./failures.ts"
import { type LanguageModel, type Message, nameAt, type Question, type Turn } from "./language-model.ts"
import { keysOf, type ProviderOptions, sdkModel } from "./providers.ts"
import { type Redaction, redactionOf } from "./redaction.ts"

/** The most tokens of one answer. */
export const OUTPUT_TOKENS_MAX = 1_500
const TEXT_CHARACTERS_MAX = 16_000

/**
 * Language models by the AI SDK.
 *
 * Answers are asked for whole and not as a stream: nobody could use half of one, and a body that breaks off is then an error for every
 * provider. It tries once, and takes every key out of what it says.
 */
export const aiSdkModel = (options: ProviderOptions): LanguageModel => {
  // The library writes its warnings to the console unless it is told not to.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  const redaction = redactionOf(keysOf(options))
  return {
    ask: (question) =>
      Effect.tryPromise({
        try: (abortSignal) => generate(options, question, redaction, abortSignal),
        catch: (cause) => {
          const { detail, ...rest } = failureOf(cause, redaction)
          return new ModelError({ ...rest, detail: `${nameAt(question.model)}: ${detail}` })
        }
      })
  }
}

const generate = async (
  options: ProviderOptions,
  question: Question,
  redaction: Redaction,
  abortSignal: AbortSignal
): Promise<Turn> => {
  const { text, toolCalls, usage } = await generateText({
    model: sdkModel(options, question.model),
    instructions: question.instructions,
    messages: question.messages.map(toSdk),
    maxRetries: 0,
    temperature: 0,
    maxOutputTokens: OUTPUT_TOKENS_MAX,
    // Ollama reads both under names of its own; what the library sends for the general ones it does not know.
    providerOptions: { ollama: { options: { num_predict: OUTPUT_TOKENS_MAX, temperature: 0 } } },
    abortSignal,
    ...(question.tools.length === 0 ? {} : { tools: toolSet(question.tools) }),
    ...(question.form === null ? {} : { output: formed(question.form) })
  })
  return {
    text: redaction.text(text).slice(0, TEXT_CHARACTERS_MAX),
    tools: toolCalls
      .slice(0, TOOLS_PER_TURN_MAX)
      // Ids of our own: some servers give none, and then the library draws one that is another in every run.
      .map(({ toolName, input }, index) => ({
        id: `call_${question.messages.length}_${index + 1}`,
        name: redaction.text(toolName),
        input: redaction.json(input ?? {})
      })),
    input_tokens: usage.inputTokens ?? null,
    output_tokens: usage.outputTokens ?? null
  }
}

/** Tools without code: the library only hands on what the model asks for. */
const toolSet = (tools: Question["tools"]): ToolSet =>
  Object.fromEntries(
    tools.map(({ name, about, parameters }) => [
      name,
      { description: about, inputSchema: jsonSchema(Object(parameters)) }
    ])
  )

/** Asks for JSON of this form. What comes is checked by its own schema, and not by the library. */
const formed = (form: unknown) => {
  const schema: JSONSchema7 = Object(form)
  const responseFormat = { type: "json", name: "decision", schema } as const
  return { ...Output.text(), responseFormat: Promise.resolve(responseFormat) }
}

const toSdk = (message: Message): ModelMessage => {
  switch (message.role) {
    case "user":
      return { role: "user", content: message.text }
    case "assistant": {
      const text = message.text === "" && message.tools.length === 0 ? "(nothing)" : message.text
      return {
        role: "assistant",
        content: [
          // A part without text is refused by some servers.
          ...(text === "" ? [] : [{ type: "text", text } as const]),
          ...message.tools.map(
            ({ id, name, input }) => ({ type: "tool-call", toolCallId: id, toolName: name, input }) as const
          )
        ]
      }
    }
    case "tools":
      return {
        role: "tool",
        content: message.results.map(({ id, name, output }) => ({
          type: "tool-result",
          toolCallId: id,
          toolName: name,
          output: { type: "text", value: output }
        }))
      }
  }
}
