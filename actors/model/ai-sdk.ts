import { createHash } from "node:crypto"
import {
  generateText,
  type JSONSchema7,
  jsonSchema,
  type ModelMessage,
  Output,
  type TextPart,
  type ToolCallPart,
  type ToolSet
} from "ai"
import { Effect } from "effect"
import { omitUndefined } from "../../runtime/index.ts"
import { contextTokens, OUTPUT_TOKENS_MAX } from "./context-size.ts"
import { TOOLS_PER_TURN_MAX } from "./conversation.ts"
import { ModelError } from "./errors.ts"
import { failureOf, refusalOf } from "./failures.ts"
import { changed, type HabitName, habitIn, KnownHabits } from "./habits.ts"
import { type LanguageModel, type Message, nameAt, providerOf, type Question, type Turn } from "./language-model.ts"
import { addressOf, keysOf, type ProviderOptions, sdkModel } from "./providers.ts"
import { type Redaction, redactionOf } from "./redaction.ts"
import { servedFetch } from "./served.ts"

const TEXT_CHARACTERS_MAX = 16_000

/**
 * Language models by the AI SDK.
 *
 * Answers are asked for whole and not as a stream: nobody could use half of one, and a body that breaks off is then an error for every
 * provider. It tries once, and takes every key out of what it says.
 *
 * A request that is refused for a habit of its server (`habits.ts`) is sent again as the server wants it, and so is every later one of
 * this process once it has been answered. A question with tools to a model that takes none fails with `refuses_tools`, the second time without being sent.
 */
export const aiSdkModel = (options: ProviderOptions): LanguageModel => {
  // The library writes its warnings to the console unless it is told not to.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  const redaction = redactionOf(keysOf(options))
  const known = new KnownHabits()
  return {
    ask: (question) =>
      Effect.tryPromise({
        try: (abortSignal) => askUntilTaken({ options, question, redaction, abortSignal, known }),
        catch: (cause) => {
          if (cause instanceof ToolsRefused) return toolsRefused(question, cause.words)
          const { detail, ...rest } = failureOf(cause, redaction)
          const where = rest.kind === "refused" ? ` to ${addressOf(options, question.model)}` : ""
          return new ModelError({ ...rest, detail: `${nameAt(question.model)}: ${detail}${where}` })
        }
      }),
    habitsOf: (model) => [...known.of(model)]
  }
}

class ToolsRefused extends Error {
  readonly words: string
  constructor(words: string) {
    super("tools are refused")
    this.words = words
  }
}

const toolsRefused = ({ model }: Question, words: string) =>
  new ModelError({ kind: "rejected", detail: `${nameAt(model)}: ${words}`, refuses_tools: true })

interface Request {
  readonly options: ProviderOptions
  readonly question: Question
  readonly redaction: Redaction
  readonly abortSignal: AbortSignal
  readonly known: KnownHabits
}

/** Asks as the server is known to want it, and again where it refuses for something that can be put differently. */
const askUntilTaken = async (request: Request): Promise<Turn> => {
  const { question, known, redaction } = request
  const { model, tools } = question
  if (tools.length > 0 && known.of(model).has("no_tools")) throw new ToolsRefused("it takes no tools")
  // Each is tried once, so this ends.
  const tried = new Set<HabitName>()
  for (;;) {
    const habits = new Set([...known.of(model), ...tried])
    try {
      const turn = await generate(request, habits)
      known.learn(model, tried)
      if (tools.length === 0) known.judgeTools(model, true)
      return turn
    } catch (cause) {
      const words = refusalOf(cause)
      if (words === undefined) throw cause
      const habit = habitIn(words, question, habits)
      if (habit?.name === "no_tools") {
        known.suspectTools(model)
        throw new ToolsRefused(failureOf(cause, redaction).detail)
      }
      if (habit === undefined) {
        if (tools.length === 0) known.judgeTools(model, false)
        throw cause
      }
      tried.add(habit.name)
    }
  }
}

const generate = async (
  { options, question, redaction, abortSignal }: Request,
  habits: ReadonlySet<HabitName>
): Promise<Turn> => {
  const provider = providerOf(question.model)
  const { text, toolCalls, usage } = await generateText({
    model: sdkModel(
      options,
      question.model,
      servedFetch(provider, (body) => changed(body, habits))
    ),
    instructions: question.instructions,
    messages: question.messages.map(toSdk),
    maxRetries: 0,
    temperature: 0,
    maxOutputTokens: OUTPUT_TOKENS_MAX,
    // Ollama reads these under names of its own; what the library sends for the general ones it does not know.
    providerOptions: {
      ollama: {
        options: {
          num_predict: OUTPUT_TOKENS_MAX,
          temperature: 0,
          num_ctx: options.ollama.context ?? contextTokens(question)
        }
      }
    },
    abortSignal,
    ...offered(question, provider === "anthropic" || habits.has("tools_kept")),
    ...omitUndefined({ output: question.form === null ? undefined : formed(question.form) })
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

/** The tools that may be asked for; or those that stand in the conversation and may not, for servers that want to see them (`kept`). */
const offered = (
  { tools, told = [] }: Question,
  kept: boolean
): { readonly tools?: ToolSet; readonly toolChoice?: "none" } => {
  if (tools.length > 0) return { tools: toolSet(tools) }
  return kept && told.length > 0 ? { tools: toolSet(told), toolChoice: "none" } : {}
}

/** Tools without code: the library only hands on what the model asks for. */
const toolSet = (tools: Question["tools"]): ToolSet =>
  Object.fromEntries(
    tools.map(({ name, about, parameters }) => [
      name,
      { description: about, inputSchema: jsonSchema(Object(parameters)) }
    ])
  )

interface Format {
  readonly type: "json"
  readonly name: string
  readonly schema: JSONSchema7
}

/** Asks for JSON of this form. What comes is checked by its own schema, and not by the library. */
const formed = (form: unknown) => {
  const schema: JSONSchema7 = Object(form)
  return { ...Output.text(), responseFormat: Promise.resolve<Format>({ type: "json", name: "decision", schema }) }
}

/** An id of a tool's call as every server takes it: Mistral's want nine letters or digits. */
const wireId = (id: string): string => createHash("sha256").update(id).digest("hex").slice(0, 9)

const texts = (text: string): ReadonlyArray<TextPart> => (text === "" ? [] : [{ type: "text", text }])

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
          ...texts(text),
          ...message.tools.map(
            ({ id, name, input }): ToolCallPart => ({
              ...{ type: "tool-call", toolCallId: wireId(id), toolName: name, input }
            })
          )
        ]
      }
    }
    case "tools":
      return {
        role: "tool",
        content: message.results.map(({ id, name, output }) => ({
          type: "tool-result",
          toolCallId: wireId(id),
          toolName: name,
          output: { type: "text", value: output }
        }))
      }
  }
}
