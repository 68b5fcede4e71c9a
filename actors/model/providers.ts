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
  readonly ollama: { readonly baseUrl: string }
  readonly anthropic: { readonly baseUrl: string; readonly key?: Redacted.Redacted | undefined }
  readonly perplexity: { readonly baseUrl: string; readonly key?: Redacted.Redacted | undefined }
  readonly openai: { readonly baseUrl: string; readonly key?: Redacted.Redacted | undefined }
}

/** A model of the AI SDK for a name. Keys are always given, so that no library looks for one in the environment. */
export const sdkModel = (options: ProviderOptions, model: ModelName): Exclude<SdkModel, string> => {
  const name = nameAt(model)
  switch (providerOf(model)) {
    case "ollama":
      return createOllama({ baseURL: `${trimmed(options.ollama.baseUrl)}/api` })(name)
    case "anthropic":
      return createAnthropic(sdkOptions(options.anthropic))(name)
    case "perplexity":
      return createPerplexity(sdkOptions(options.perplexity))(name)
    case "openai": {
      const { baseURL, apiKey } = sdkOptions(options.openai)
      // A local server mostly wants no key, and some refuse an empty one.
      const key = apiKey === "" ? {} : { apiKey }
      return createOpenAICompatible({ name: "openai", baseURL, ...key, supportsStructuredOutputs: true })(name)
    }
  }
}

const sdkOptions = ({ baseUrl, key }: ProviderOptions["openai"]) => ({
  baseURL: trimmed(baseUrl),
  apiKey: key === undefined ? "" : Redacted.value(key)
})

const trimmed = (url: string): string => url.replace(/\/+$/, "")

/** The keys, so that they can be kept out of what servers say. */
export const keysOf = ({ anthropic, perplexity, openai }: ProviderOptions): ReadonlyArray<string> =>
  [anthropic, perplexity, openai].flatMap(({ key }) => (key === undefined ? [] : [Redacted.value(key)]))
