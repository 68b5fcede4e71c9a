// The wire formats of the servers of language models, as their documentation gives them.

/** What a model is to say: a text, or tools that it wants used. */
export interface Said {
  readonly text?: string
  readonly tools?: ReadonlyArray<{ readonly name: string; readonly input: unknown }>
  /** Tokens that the server counts; it says nothing of them where this is null. */
  readonly tokens?: { readonly input: number; readonly output: number } | null
}

export type Provider = "ollama" | "anthropic" | "perplexity" | "openai"

/** Which server an address belongs to. */
export const providerAt = (path: string): Provider | undefined => {
  if (path === "/api/chat") return "ollama"
  if (path === "/v1/messages") return "anthropic"
  if (path === "/v1/chat/completions") return "openai"
  return path === "/chat/completions" ? "perplexity" : undefined
}

const TOKENS = { input: 1_000, output: 50 }

/** A whole answer. */
export const bodyOf = (provider: Provider, model: string, said: Said): unknown => {
  if (provider === "ollama") return ollama(model, said)
  return provider === "anthropic" ? anthropic(model, said) : chatCompletion(model, said)
}

/** An error as the server puts it into a body. */
export const errorOf = (provider: Provider, message: string): unknown => {
  if (provider === "ollama") return { error: message }
  if (provider === "anthropic") return { type: "error", error: { type: "api_error", message } }
  return provider === "perplexity"
    ? { error: { code: 500, message, type: "server_error" } }
    : { error: { message, type: "server_error", param: null, code: null } }
}

const ollama = (model: string, { text = "", tools = [], tokens = TOKENS }: Said) => ({
  model,
  created_at: "2026-01-01T00:00:00.000Z",
  message: {
    role: "assistant",
    content: text,
    ...(tools.length === 0
      ? {}
      : { tool_calls: tools.map(({ name, input }) => ({ function: { name, arguments: input } })) })
  },
  done: true,
  done_reason: "stop",
  total_duration: 1_000_000,
  ...(tokens === null ? {} : { prompt_eval_count: tokens.input, eval_count: tokens.output })
})

const anthropic = (model: string, { text = "", tools = [], tokens }: Said) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model,
  content: [
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...tools.map(({ name, input }, index) => ({ type: "tool_use", id: `toolu_${index}`, name, input }))
  ],
  stop_reason: tools.length === 0 ? "end_turn" : "tool_use",
  stop_sequence: null,
  usage: { input_tokens: (tokens ?? TOKENS).input, output_tokens: (tokens ?? TOKENS).output }
})

const chatCompletion = (model: string, { text = "", tools = [], tokens = TOKENS }: Said) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_767_225_600,
  model,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: text === "" && tools.length > 0 ? null : text,
        ...(tools.length === 0
          ? {}
          : {
              tool_calls: tools.map(({ name, input }, index) => ({
                id: `call_${index}`,
                type: "function",
                function: { name, arguments: JSON.stringify(input) }
              }))
            })
      },
      finish_reason: tools.length === 0 ? "stop" : "tool_calls"
    }
  ],
  ...(tokens === null
    ? {}
    : {
        usage: {
          prompt_tokens: tokens.input,
          completion_tokens: tokens.output,
          total_tokens: tokens.input + tokens.output
        }
      })
})
