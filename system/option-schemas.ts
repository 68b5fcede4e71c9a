// What the options of a system hold: the gateway's, the accounts' and the language models'.
import { existsSync } from "node:fs"
import { Redacted, Schema, Struct } from "effect"
import { AccountRules, Prices } from "../actors/index.ts"
import { AuthOptions, defaultLimits, type GatewayLimits, isLoopback } from "../gateway/index.ts"
import { AccountId, AgentType, ModelName } from "../protocols/index.ts"
import {
  kept,
  LogLevel,
  Namespace,
  NatsAddresses,
  oneOf,
  Switch,
  Time,
  textOf,
  wholeBetween
} from "../runtime/index.ts"

const Text = textOf(/./s, "must be a text that is not empty")
const Path = textOf(/./s, "must be the path of a file")
const Folder = textOf(/./s, "must be the path of a folder")
const Program = kept(
  (given): given is string => typeof given === "string" && existsSync(given),
  "must be the path of the nats-server program: there is no such file"
)
/** The latest that a timer can be, in milliseconds. */
const TIMER_MAX = 2_147_483_647
const MAY_BE_NONE: ReadonlyArray<string> = ["compressBytesMin", "graceMillis", "drainMillis", "farewellMillis"]

const limitSchema = (name: string) => {
  if (name === "idleSeconds") return wholeBetween(8, 960)
  if (name === "socketsMax") return kept(isCount, "must be a whole number from 1, or Infinity")
  const most = name.endsWith("Millis") ? TIMER_MAX : Number.MAX_SAFE_INTEGER
  return wholeBetween(MAY_BE_NONE.includes(name) ? 0 : 1, most)
}

const isCount = (given: unknown): given is number =>
  given === Number.POSITIVE_INFINITY || (Number.isSafeInteger(given) && Number(given) >= 1)

const limitKeys = Object.keys(defaultLimits) as ReadonlyArray<keyof GatewayLimits>
const Limits = Schema.Struct(
  Object.fromEntries(limitKeys.map((name) => [name, Schema.optional(limitSchema(name))] as const)) as {
    readonly [name in keyof GatewayLimits]: Schema.optional<Schema.declare<number>>
  }
)

const isOrigin = (given: unknown): given is string =>
  typeof given === "string" && URL.canParse(given) && new URL(given).origin === given

/** The gateway of a system. Whoever is not on this machine only gets in where clients prove who they are. */
export const GatewayOption = Schema.Struct({
  host: Schema.optional(textOf(/^[A-Za-z0-9.:_-]{1,253}$/, "must be a host name or an IP address")),
  port: wholeBetween(0, 65_535).annotateKey({ messageMissingKey: "must be given: 0 takes a free one" }),
  allowedOrigins: Schema.optional(Schema.Array(kept(isOrigin, "must be an origin, such as https://desk.example"))),
  hosts: Schema.optional(Schema.Array(Text)),
  version: Schema.optional(Text),
  limits: Schema.optional(Limits),
  auth: Schema.optional(AuthOptions),
  tls: Schema.optional(Schema.Struct({ certificate: Path, key: Path }))
}).check(
  Schema.makeFilter(({ host = "127.0.0.1", auth }) =>
    auth !== undefined || isLoopback(host)
      ? undefined
      : {
          path: ["host"],
          issue: "must be one of this machine alone, such as 127.0.0.1, unless auth says how clients prove who they are"
        }
  )
)

const Address = kept(
  (given): given is string =>
    typeof given === "string" && /^https?:$/.test(URL.canParse(given) ? new URL(given).protocol : ""),
  "must be an http:// or https:// address"
)
const isKey = (given: unknown): given is Redacted.Redacted =>
  Redacted.isRedacted(given) && typeof Redacted.value(given) === "string"
const Provider = Schema.Struct({
  baseUrl: Address,
  key: Schema.optional(kept(isKey, "must be Redacted, of a text"))
})
const Count = wholeBetween(1, 1_000_000)
const Type = kept(Schema.is(AgentType), "must be an agent type, such as market_analyst")
const isModel = Schema.is(Schema.Union([Schema.Literal("quant"), ModelName]))

/** The language models of a system. */
export const ModelsOption = Schema.Struct({
  models: Schema.ReadonlyMap(
    Type,
    kept(isModel, "must be quant, ollama:NAME, anthropic:NAME, perplexity:NAME or openai:NAME")
  ).annotate({ message: "must be a Map of agent types and their models" }),
  instructions: Schema.optional(Schema.ReadonlyMap(Type, Text)),
  providers: Schema.Struct({
    ollama: Schema.Struct({ baseUrl: Address, context: Schema.optional(Count) }),
    anthropic: Provider,
    perplexity: Provider,
    openai: Provider
  }),
  prompts: Folder,
  prices: Prices,
  budget: Schema.optional(Time),
  timeout: Schema.optional(Time),
  pause: Schema.optional(Time),
  callsPerMinute: Schema.optional(Count),
  concurrency: Schema.optional(Count),
  attempts: Schema.optional(Count),
  failures: Schema.optional(Count),
  traffic: Schema.optional(Schema.Struct({ mode: oneOf(["record", "replay"]), folder: Folder }))
})

/** All that a system is started with. */
export const SystemOptions = Schema.Struct({
  nats: Schema.optional(NatsAddresses),
  dataDir: Schema.optional(Folder),
  temporary: Schema.optional(Switch),
  natsServer: Schema.optional(Program),
  namespace: Schema.optional(Namespace),
  gateway: Schema.optional(GatewayOption),
  panel: Schema.optional(
    Schema.Array(Type).check(
      Schema.makeFilter((types) => types.length > 0 || "must name at least one agent type"),
      Schema.makeFilter((types) => new Set(types).size === types.length || "must name each agent type once")
    )
  ),
  accounts: Schema.optional(
    Schema.Array(
      kept(Schema.is(AccountId), "must be an account: 1 to 64 letters, digits, dashes or underscores")
    ).check(Schema.makeFilter((names) => new Set(names).size === names.length || "must name each account once"))
  ),
  accountRules: Schema.optional(AccountRules.mapFields(Struct.map(Schema.optional))),
  models: Schema.optional(ModelsOption),
  roundTimeoutMs: Schema.optional(wholeBetween(100, 600_000)),
  log: Schema.optional(LogLevel)
})
