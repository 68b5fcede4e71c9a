// What people are told of a model that does not answer: once, with what to do about it.
import { Clock, Effect, References } from "effect"
import type { ModelErrorKind, ModelName, ModelProvider } from "../../protocols/index.ts"
import { CONSEQUENCES, type ModelError } from "./errors.ts"
import { nameAt, providerOf } from "./language-model.ts"

/** A model that fails by turns is told of no more often than this, in milliseconds. */
const QUIET_MILLIS = 600_000

/** Of so many kinds of failure it is remembered when they were told. */
const TOLD_MAX = 1_000

/** Warns of a failure, unless it has lately warned of the same. */
export class ModelWarnings {
  readonly #told = new Map<string, number>()

  /** A model failed. */
  failed(model: ModelName, { kind, detail, refuses_tools }: ModelError): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (refuses_tools === true || !CONSEQUENCES[kind].trips) return
      const now = yield* Clock.currentTimeMillis
      const key = `${model} ${kind}`
      if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < QUIET_MILLIS) return
      if (this.#told.size >= TOLD_MAX) this.#told.clear()
      this.#told.set(key, now)
      const text = `${model} does not answer, and agents go by their own rules meanwhile: ${detail}. ${remedyOf(model, kind)}`
      // Which agent happened to ask first says nothing, and would take lines of its own.
      yield* Effect.logWarning(text).pipe(Effect.provideService(References.CurrentLogAnnotations, {}))
    })
  }
}

/** The variable that says where a provider is, and the one of its key. */
const SETTINGS: { readonly [P in ModelProvider]: { readonly url: string; readonly key: string } } = {
  ollama: { url: "OLLAMA_BASE_URL", key: "" },
  anthropic: { url: "ANTHROPIC_BASE_URL", key: "ANTHROPIC_API_KEY" },
  perplexity: { url: "PERPLEXITY_BASE_URL", key: "PERPLEXITY_API_KEY" },
  openai: { url: "OPENAI_BASE_URL", key: "OPENAI_API_KEY" }
}

/** What somebody can do about a failure, as a sentence. */
export const remedyOf = (model: ModelName, kind: ModelErrorKind): string => {
  const provider = providerOf(model)
  const { url, key } = SETTINGS[provider]
  switch (kind) {
    case "refused":
      return provider === "ollama"
        ? `Start it with \`ollama serve\`, or say where it is with ${url}.`
        : `See that the server runs, or say where it is with ${url}.`
    case "unauthorized":
      return key === ""
        ? "See what the server wants of its clients."
        : `See to ${key}, or to the credit of its account.`
    case "rejected":
      return provider === "ollama"
        ? `Fetch it with \`ollama pull ${nameAt(model)}\` if it is not there; \`conclave models check ${model}\` says more.`
        : `See to the name of the model; \`conclave models check ${model}\` says more.`
    case "timeout":
      return "A slow model needs a longer MODEL_TIMEOUT and MODEL_BUDGET, which lengthen the round."
    case "rate_limited":
      return "Ask less often, with a lower MODEL_RATE."
    default:
      return `\`conclave models check ${model}\` says more.`
  }
}
