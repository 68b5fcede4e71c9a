import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { createPerplexity } from "@ai-sdk/perplexity"
import type { LanguageModel as SdkModel } from "ai"
import { Redacted } from "effect"
import { createOllama } from "ollama-ai-provider-v2"
import type { ModelName } from "../../protocols/index.ts"
import { nameAt, providerOf } from "./language-model.ts"

/** Where the providers are. A base URL is as the provider documents it, such as `http://127.0.0.1:11434` for Ollama. */
export interface ProviderOptions {
  readonly ollama: {
    readonly baseUrl: string
    /** `num_ctx`: the tokens of a conversation that the server keeps in mind; by the size of the conversation unless given. */
    readonly context?: number | undefined
  }
  readonly anthropic: { readonly baseUrl: string; readonly key?: Redacted.Redacted | undefined }
  readonly perplexity: { readonly baseUrl: string; readonly key?: Redacted.Redacted | undefined }
  readonly openai: { readonly baseUrl: string; readonly key?: Redacted.Redacted | undefined }
}

/**
 * A model of the AI SDK for a name, whose requests go by `fetch`. Keys are always given, so that no library looks for one in the
 * environment.
 */
export const sdkModel = (
  options: ProviderOptions,
  model: ModelName,
  fetch: typeof globalThis.fetch
): Exclude<SdkModel, string> => {
  const name = nameAt(model)
  switch (providerOf(model)) {
    case "ollama":
      return createOllama({ baseURL: `${trimmed(options.ollama.baseUrl)}/api`, fetch })(name)
    case "anthropic":
      return createAnthropic(sdkOptions(options.anthropic, fetch))(name)
    case "perplexity":
      return createPerplexity(sdkOptions(options.perplexity, fetch))(name)
    case "openai": {
      const { apiKey, ...rest } = sdkOptions(options.openai, fetch)
      // A local server mostly wants no key, and some refuse an empty one.
      const key = apiKey === "" ? {} : { apiKey }
      return createOpenAICompatible({ name: "openai", ...rest, ...key, supportsStructuredOutputs: true })(name)
    }
  }
}

const sdkOptions = ({ baseUrl, key }: ProviderOptions["openai"], fetch: typeof globalThis.fetch) => ({
  baseURL: trimmed(baseUrl),
  apiKey: key === undefined ? "" : Redacted.value(key),
  fetch
})

const trimmed = (url: string): string => url.replace(/\/+$/, "")

/** Where a model's server is. */
export const addressOf = (options: ProviderOptions, model: ModelName): string => options[providerOf(model)].baseUrl

/** The keys, so that they can be kept out of what servers say. */
export const keysOf = ({ anthropic, perplexity, openai }: ProviderOptions): ReadonlyArray<string> =>
  [anthropic, perplexity, openai].flatMap(({ key }) => (key === undefined ? [] : [Redacted.value(key)]))
