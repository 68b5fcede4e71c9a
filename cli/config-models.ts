// The settings of language models.
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Duration, Effect, Option, Redacted, Schema, SchemaTransformation } from "effect"
import { type ModelsOptions, Prices } from "../actors/index.ts"
import { type AgentType, HOUSE_TYPES, type ModelName, ModelName as ModelNameSchema } from "../protocols/index.ts"
import { InvalidSetting, readOptional, readSetting, type SettingSpec, settingsTable } from "./config.ts"
import { durationBetween, setting, wholeNumber } from "./setting.ts"

const PROMPTS = fileURLToPath(new URL("../prompts", import.meta.url))

const Model = Schema.Union([Schema.Literal("quant"), ModelNameSchema])
const MODEL_RULE = "must be quant, ollama:NAME, anthropic:NAME, perplexity:NAME or openai:NAME"

const baseUrl = (variable: string, fallback: string, about: string) =>
  setting({
    variable,
    default: fallback,
    about,
    rule: "must be an http:// or https:// address without a user name",
    schema: Schema.String.check(
      Schema.makeFilter((text: string) => {
        const url = URL.parse(text)
        return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
      })
    )
  })

/** A key is read as what it is and never shown. Shorter ones could not be kept out of what servers say. */
const key = (variable: string, about: string) =>
  setting({
    variable,
    default: "",
    about,
    rule: "must be 8 characters or more, without spaces",
    schema: Schema.String.check(Schema.isPattern(/^\S{8,}$/))
  })

const ofType = (type: AgentType) =>
  setting({
    variable: `CONCLAVE_MODEL_${type.toUpperCase()}`,
    default: "",
    about: `The same for \`${type}\` alone.`,
    rule: MODEL_RULE,
    schema: Model
  })

const Traffic = Schema.String.check(Schema.isPattern(/^(record|replay):.+$/)).pipe(
  Schema.decodeTo(
    Schema.Struct({ mode: Schema.Literals(["record", "replay"]), folder: Schema.NonEmptyString }),
    SchemaTransformation.transform({
      decode: (text) => ({
        mode: text.startsWith("record:") ? ("record" as const) : ("replay" as const),
        folder: text.slice(text.indexOf(":") + 1)
      }),
      encode: ({ mode, folder }) => `${mode}:${folder}`
    })
  )
)

/** Every variable about language models. */
export const modelSettings = {
  model: setting({
    variable: "CONCLAVE_MODEL",
    default: "quant",
    about:
      "How agents come to their opinions: `quant`, by rules; or a language model, `ollama:NAME`, `anthropic:NAME`, `perplexity:NAME` or `openai:NAME` (any server that speaks OpenAI's format).",
    rule: MODEL_RULE,
    schema: Model
  }),
  market_analyst: ofType("market_analyst"),
  risk_advisor: ofType("risk_advisor"),
  strategy_optimizer: ofType("strategy_optimizer"),
  performance_coach: ofType("performance_coach"),
  comprehensive: ofType("comprehensive"),
  ollamaBaseUrl: baseUrl("OLLAMA_BASE_URL", "http://127.0.0.1:11434", "Where Ollama is."),
  anthropicBaseUrl: baseUrl("ANTHROPIC_BASE_URL", "https://api.anthropic.com/v1", "Where Anthropic's API is."),
  perplexityBaseUrl: baseUrl("PERPLEXITY_BASE_URL", "https://api.perplexity.ai", "Where Perplexity's API is."),
  openaiBaseUrl: baseUrl(
    "OPENAI_BASE_URL",
    "https://api.openai.com/v1",
    "Where the server is that speaks OpenAI's format."
  ),
  anthropicKey: key("ANTHROPIC_API_KEY", "The key for Anthropic; its models need it."),
  perplexityKey: key("PERPLEXITY_API_KEY", "The key for Perplexity; its models need it."),
  openaiKey: key("OPENAI_API_KEY", "The key for `openai` models, where the server wants one."),
  ollamaContext: setting({
    variable: "OLLAMA_CONTEXT",
    default: "",
    about:
      "How many tokens of a conversation Ollama keeps in mind (`num_ctx`); by the size of the conversation unless given, 8192 at the least.",
    rule: "must be a whole number from 2048 to 1048576",
    schema: wholeNumber(2_048, 1_048_576)
  }),
  timeout: setting({
    variable: "MODEL_TIMEOUT",
    default: "10 seconds",
    about: "How long one request to a model may take; no longer than `MODEL_BUDGET`.",
    rule: "must be a duration from 100 milliseconds to 2 minutes, such as 10 seconds",
    schema: durationBetween("100 millis", "2 minutes")
  }),
  budget: setting({
    variable: "MODEL_BUDGET",
    default: "12 seconds",
    about:
      "How long a conversation with a model may take, with its tools and repeated requests; then the agent's own rules answer. Rounds take votes for 3 seconds longer, 15 at the least, so it is the same on all nodes and gateways. Where only `MODEL_TIMEOUT` is given, 2 seconds more than that.",
    rule: "must be a duration from 100 milliseconds to 2 minutes, such as 12 seconds",
    schema: durationBetween("100 millis", "2 minutes")
  }),
  rate: setting({
    variable: "MODEL_RATE",
    default: "60",
    about: "How many requests a minute a model gets from all nodes together.",
    rule: "must be a whole number from 1 to 100000",
    schema: wholeNumber(1, 100_000)
  }),
  concurrency: setting({
    variable: "MODEL_CONCURRENCY",
    default: "4",
    about:
      "How many requests to a model are under way at once from one process. With 1 no place is kept for the market beside those who ask.",
    rule: "must be a whole number from 1 to 1000",
    schema: wholeNumber(1, 1_000)
  }),
  prices: setting({
    variable: "MODEL_PRICES",
    default: "",
    about: "A JSON file of what models cost, in dollars per million tokens; without it costs are not known.",
    rule: 'must be a JSON file such as {"anthropic:NAME": {"input": 3, "output": 15}, "ollama:*": {"input": 0, "output": 0}}',
    schema: Schema.NonEmptyString
  }),
  prompts: setting({
    variable: "CONCLAVE_PROMPTS",
    default: "",
    about: "The folder of the prompts, in place of `prompts/`.",
    rule: "must be the path of a folder",
    schema: Schema.NonEmptyString
  }),
  traffic: setting({
    variable: "CONCLAVE_MODEL_TRAFFIC",
    default: "",
    about:
      "`record:FOLDER` writes what models are asked and answer, `replay:FOLDER` answers from there without any model.",
    rule: "must be record:FOLDER or replay:FOLDER",
    schema: Traffic
  })
} as const

/** The table of the variables as README.md shows it. */
export const modelSettingsTable = (): string => settingsTable(modelSettings)

/** What a conversation may take beyond one request, where only the time of that is given. */
const BUDGET_MARGIN = Duration.seconds(2)
/** What a round takes beyond the budget of its models: for the rules of an agent whose model had all its time, and for the votes. */
const ROUND_MARGIN = Duration.seconds(3)
const ROUND_LEAST = Duration.seconds(15)

/** How long a request and a conversation may take, and a round that waits for them. */
export const modelTimes = Effect.gen(function* () {
  const given = yield* readOptional<Duration.Duration>(modelSettings.timeout)
  const wanted = yield* readOptional<Duration.Duration>(modelSettings.budget)
  const standard = yield* readSetting<Duration.Duration>(modelSettings.budget)
  const timeout = yield* readSetting<Duration.Duration>(modelSettings.timeout)
  const budget = wanted ?? (given === undefined ? standard : Duration.max(standard, Duration.sum(given, BUDGET_MARGIN)))
  if (given !== undefined && Duration.isGreaterThan(given, budget)) {
    const { variable } = modelSettings.timeout
    const rule = `must be no longer than MODEL_BUDGET, which is ${Duration.format(budget)}: it would be cut off then`
    return yield* new InvalidSetting({ variable, value: Duration.format(given), rule })
  }
  const round = Duration.max(ROUND_LEAST, Duration.sum(budget, ROUND_MARGIN))
  return { timeout: Duration.min(timeout, budget), budget, round }
})

/** What is known of the models of agents beside the environment. */
export interface KnownModels {
  /** The models of agent types where the environment names none for the type. */
  readonly models: ReadonlyMap<AgentType, ModelName | "quant">
  /** The agent types that do not come with the system, each with its instructions, without which it asks no model. */
  readonly prompts: ReadonlyMap<AgentType, string | undefined>
}

const NOTHING_KNOWN: KnownModels = { models: new Map(), prompts: new Map() }

/**
 * What models the agents of a process ask, and how. `model` stands in for `CONCLAVE_MODEL` and those of single types. An own type without
 * instructions goes by its policy; fails where the environment names a model for it.
 */
export const modelConfiguration = (
  model?: ModelName | "quant",
  known: KnownModels = NOTHING_KNOWN
): Effect.Effect<ModelsOptions, InvalidSetting> =>
  Effect.gen(function* () {
    const all = model ?? (yield* readSetting(modelSettings.model))
    const own = yield* Effect.forEach([...known.prompts], ([type, prompt]) =>
      Effect.flatMap(readOptional(ofType(type)), (named) => {
        if (prompt !== undefined)
          return Effect.succeed([type, model ?? named ?? known.models.get(type) ?? all] as const)
        if (named === undefined || named === "quant") return Effect.succeed([type, "quant"] as const)
        const rule = `must not be set: the agent ${type} has no prompt, without which it asks no model`
        return Effect.fail(new InvalidSetting({ variable: ofType(type).variable, value: named, rule }))
      })
    )
    const house = yield* Effect.forEach(HOUSE_TYPES, (type) =>
      Effect.map(
        readOptional(modelSettings[type]),
        (named) => [type, model ?? named ?? known.models.get(type) ?? all] as const
      )
    )
    const instructions = [...known.prompts].flatMap(([type, prompt]) =>
      prompt === undefined ? [] : [[type, prompt] as const]
    )
    const traffic = yield* readOptional(modelSettings.traffic)
    const context = yield* readOptional(modelSettings.ollamaContext)
    const options: ModelsOptions = {
      models: new Map<AgentType, ModelName | "quant">([...house, ...own]),
      instructions: new Map(instructions),
      providers: {
        ollama: {
          baseUrl: yield* readSetting(modelSettings.ollamaBaseUrl),
          ...(context === undefined ? {} : { context })
        },
        anthropic: {
          baseUrl: yield* readSetting(modelSettings.anthropicBaseUrl),
          key: yield* readKey(modelSettings.anthropicKey)
        },
        perplexity: {
          baseUrl: yield* readSetting(modelSettings.perplexityBaseUrl),
          key: yield* readKey(modelSettings.perplexityKey)
        },
        openai: {
          baseUrl: yield* readSetting(modelSettings.openaiBaseUrl),
          key: yield* readKey(modelSettings.openaiKey)
        }
      },
      prompts: (yield* readOptional(modelSettings.prompts)) ?? PROMPTS,
      ...(yield* modelTimes),
      callsPerMinute: yield* readSetting(modelSettings.rate),
      concurrency: yield* readSetting(modelSettings.concurrency),
      prices: yield* readPrices,
      traffic
    }
    if (traffic?.mode !== "replay") yield* checkKeys(options)
    return options
  })

/** Says so where the only place to ask a model has to do for the market and for whoever asks. */
export const warnOfOnePlace = ({ models, concurrency }: ModelsOptions): Effect.Effect<void> =>
  concurrency === 1 && [...models.values()].some((model) => model !== "quant")
    ? Effect.logWarning(
        "the only place to ask a model may be taken by who asks for an analysis: none is kept for the market"
      ).pipe(Effect.annotateLogs({ remedy: `set ${modelSettings.concurrency.variable} to 2 or more` }))
    : Effect.void

/** A key that breaks the rule is not shown either. */
const readKey = (spec: SettingSpec<string>): Effect.Effect<Redacted.Redacted | undefined, InvalidSetting> =>
  readOptional(spec).pipe(
    Effect.mapError(({ variable, rule }) => new InvalidSetting({ variable, value: "***", rule })),
    Effect.map((text) => (text === undefined ? undefined : Redacted.make(text)))
  )

/** A model that needs a key has one. */
const checkKeys = ({ models, providers }: ModelsOptions): Effect.Effect<void, InvalidSetting> => {
  const needs = (["anthropic", "perplexity"] as const).find(
    (provider) =>
      providers[provider].key === undefined && [...models.values()].some((model) => model.startsWith(`${provider}:`))
  )
  if (needs === undefined) return Effect.void
  const variable = needs === "anthropic" ? "ANTHROPIC_API_KEY" : "PERPLEXITY_API_KEY"
  return Effect.fail(new InvalidSetting({ variable, value: "", rule: `must be set for models of ${needs}` }))
}

const decodePrices = Schema.decodeUnknownOption(Schema.fromJsonString(Prices))

const readPrices: Effect.Effect<Prices, InvalidSetting> = Effect.gen(function* () {
  const file = yield* readOptional(modelSettings.prices)
  if (file === undefined) return {}
  const prices = Option.liftThrowable(() => readFileSync(file, "utf8"))().pipe(
    Option.flatMap((text) => decodePrices(text))
  )
  const { variable, rule } = modelSettings.prices
  return yield* Option.match(prices, {
    onNone: () => Effect.fail(new InvalidSetting({ variable, value: file, rule })),
    onSome: (known) => Effect.succeed(known)
  })
})
