import { Duration, Effect, type Scope } from "effect"
import type { AgentType, ModelName } from "../../protocols/index.ts"
import type { Actors } from "../../runtime/index.ts"
import { type CallerOptions, makeCaller } from "../model/caller.ts"
import type { LanguageModel } from "../model/language-model.ts"
import { loadPrompts, type PromptUnusable } from "../model/prompts.ts"
import type { ProviderOptions } from "../model/providers.ts"
import { localLimits, sharedLimits } from "../model/shared-limits.ts"
import { recording, replaying } from "../model/traffic.ts"
import { checkModel, type ModelCheck } from "./check.ts"
import { type ModelAccess, modelAccess } from "./model-activity.ts"

export interface ModelsOptions extends CallerOptions {
  /** The model of each agent type; `quant`, as for those not named, where its own rules answer. */
  readonly models: ReadonlyMap<AgentType, ModelName | "quant">
  /** The instructions of agent types that do not come with the system; none unless given. */
  readonly instructions?: ReadonlyMap<AgentType, string>
  readonly providers: ProviderOptions
  /** The folder of the prompt files. */
  readonly prompts: string
  /** How long a conversation may take with all its turns; 12 seconds unless given. */
  readonly budget?: Duration.Input
  /** How long a round takes votes; 15 seconds unless given. A conversation ends before. */
  readonly round?: Duration.Input
  /** Write what is asked and answered into a folder, or answer from there and ask nobody. */
  readonly traffic?: { readonly mode: "record" | "replay"; readonly folder: string } | undefined
  /** Whom to ask for the breakers and rates that all nodes share; without, they are this process's own. */
  readonly actors?: Actors["Service"]
}

/** The language models of a node, for as long as the scope; nothing where every agent type goes by its own rules. */
export const openModels = (
  options: ModelsOptions
): Effect.Effect<ModelAccess | undefined, PromptUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    const { models, budget = "12 seconds", round = "15 seconds" } = options
    if ([...models.values()].every((model) => model === "quant")) return undefined
    const prompts = yield* loadPrompts(options.prompts, options.instructions)
    const port = yield* portOf(options)
    const { actors } = options
    const caller = yield* makeCaller(port, options, actors === undefined ? localLimits : sharedLimits(actors))
    const modelOf = (type: AgentType) => {
      const model = models.get(type)
      return model === "quant" ? undefined : model
    }
    const budgetMillis = Duration.toMillis(Duration.fromInputUnsafe(budget))
    const roundMillis = Duration.toMillis(Duration.fromInputUnsafe(round))
    const refusesTools = (model: ModelName) => port.habitsOf?.(model).includes("no_tools") === true
    return modelAccess({ modelOf, budgetMillis, roundMillis, refusesTools }, caller, prompts)
  })

/**
 * Asks one model for a decision on bars of our own, and says what it can do, each turn within `options.timeout`. Fails where the
 * prompts cannot be used.
 */
export const checkOf = (model: ModelName, options: ModelsOptions): Effect.Effect<ModelCheck, PromptUnusable> =>
  Effect.gen(function* () {
    const prompts = yield* loadPrompts(options.prompts)
    const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout ?? "10 seconds"))
    return yield* checkModel(model, yield* portOf(options), prompts, timeout)
  })

const portOf = ({ traffic, providers }: ModelsOptions): Effect.Effect<LanguageModel> => {
  if (traffic?.mode === "replay") return Effect.succeed(replaying(traffic.folder))
  // Half a second of loading, which who asks no model does not wait for.
  return Effect.promise(() => import("../model/ai-sdk.ts")).pipe(
    Effect.map(({ aiSdkModel }) => aiSdkModel(providers)),
    Effect.map((port) => (traffic === undefined ? port : recording(traffic.folder, port)))
  )
}
