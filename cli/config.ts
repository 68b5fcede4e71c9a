// The environment, and the only place that reads it.
import { Config, ConfigProvider, Effect, Option, Schema } from "effect"
import { accountSettings } from "./account-settings.ts"
import { gatewaySettings } from "./gateway-settings.ts"
import { panelSettings } from "./panel-settings.ts"
import { retentionSettings } from "./retention-settings.ts"
import { durationBetween, matching, type SettingSpec, setting, wholeNumber, word } from "./setting.ts"

export type { SettingSpec }

/** A variable of the environment has a value that cannot be used. Trying again does not help. */
export class InvalidSetting extends Schema.TaggedError<InvalidSetting>()("InvalidSetting", {
  variable: Schema.String,
  value: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return `${this.variable}=${this.value}: ${this.rule}`
  }
}

const serverUrl = (text: string): boolean =>
  text.split(",").every((part) => /^(nats|tls):$/.test(URL.parse(part.trim())?.protocol ?? ""))

const monitorUrl = (text: string): boolean =>
  text.split(",").every((part) => /^https?:$/.test(URL.parse(part.trim())?.protocol ?? ""))

/** Every variable that the command reads, in the order in which a person would look for them. */
export const settings = {
  natsUrl: setting({
    variable: "NATS_URL",
    default: "",
    about: "The NATS servers to connect to. Without it, `conclave up` and `conclave analyze` start one of their own.",
    rule: "must be one or more nats:// or tls:// addresses, separated by commas",
    schema: Schema.String.check(Schema.makeFilter(serverUrl))
  }),
  natsInbox: setting({
    variable: "NATS_INBOX",
    default: "",
    about:
      "What the inboxes of this process's NATS user are called, `_INBOX.<name>.>`, where its rights say so; the user's name in `NATS_URL` unless given.",
    rule: "must be 1 to 64 letters, digits, dashes or underscores",
    schema: matching(/^[A-Za-z0-9_-]{1,64}$/)
  }),
  natsMonitorUrl: setting({
    variable: "NATS_MONITOR_URL",
    default: "",
    about:
      "The HTTP monitoring of each NATS server, separated by commas: only there can be seen whether it writes to the disk before it confirms.",
    rule: "must be one or more http:// or https:// addresses, separated by commas",
    schema: Schema.String.check(Schema.makeFilter(monitorUrl))
  }),
  durability: setting({
    variable: "CONCLAVE_DURABILITY",
    default: "warn",
    about:
      "What to do about a NATS server that confirms what is not on the disk yet: `warn` in the log, or `strict`: refuse to start.",
    rule: "must be warn or strict",
    schema: word(["warn", "strict"])
  }),
  natsServer: setting({
    variable: "NATS_SERVER",
    default: "",
    about:
      "The nats-server program to start. Without it: one on the PATH that is new enough, or the one of the set-up.",
    rule: "must be the path of a program",
    schema: Schema.NonEmptyString
  }),
  host: setting({
    variable: "HOST",
    default: "127.0.0.1",
    about: "The address that the gateway listens on.",
    rule: "must be a host name or an IP address",
    schema: matching(/^[A-Za-z0-9.:_-]{1,253}$/)
  }),
  port: setting({
    variable: "PORT",
    default: "8080",
    about: "The port that the gateway listens on; 0 takes a free one.",
    rule: "must be a whole number from 0 to 65535",
    schema: wholeNumber(0, 65_535)
  }),
  dataFolder: setting({
    variable: "CONCLAVE_DATA",
    default: "./data",
    about: "The folder of everything durable, when the command starts its own NATS server.",
    rule: "must be the path of a folder",
    schema: Schema.NonEmptyString
  }),
  namespace: setting({
    variable: "CONCLAVE_NAMESPACE",
    default: "conclave",
    about: "Keeps systems apart that share a NATS server: all their subjects and streams begin with it.",
    rule: "must be 1 to 32 of a-z 0-9 _ and start with a letter",
    schema: matching(/^[a-z][a-z0-9_]{0,31}$/)
  }),
  shards: setting({
    variable: "CONCLAVE_SHARDS",
    default: "64",
    about: "Into how many parts a new namespace divides its actors among nodes; one that exists keeps what it has.",
    rule: "must be a whole number from 1 to 1024",
    schema: wholeNumber(1, 1024)
  }),
  replicas: setting({
    variable: "CONCLAVE_REPLICAS",
    default: "1",
    about: "How many NATS servers keep each message: 1 on a single server, 3 on a cluster.",
    rule: "must be 1, 3 or 5",
    schema: wholeNumber(1, 5).check(Schema.makeFilter((count) => count % 2 === 1))
  }),
  ...panelSettings,
  ...accountSettings,
  leaseTtl: setting({
    variable: "LEASE_TTL",
    default: "5 seconds",
    about: "How long a node that crashed keeps its actors: until then they do not answer.",
    rule: "must be a duration from 1 second to 1 minute, such as 5 seconds",
    schema: durationBetween("1 second", "1 minute")
  }),
  logLevel: setting({
    variable: "LOG_LEVEL",
    default: "Warn",
    about: "The least important messages that are logged: All, Trace, Debug, Info, Warn, Error, Fatal or None.",
    rule: "must be All, Trace, Debug, Info, Warn, Error, Fatal or None",
    schema: word(["All", "Trace", "Debug", "Info", "Warn", "Error", "Fatal", "None"])
  }),
  logFormat: setting({
    variable: "LOG_FORMAT",
    default: "pretty",
    about: "How messages are logged: pretty for people, json for machines, a line each.",
    rule: "must be pretty or json",
    schema: word(["pretty", "json"])
  }),
  metricsPort: setting({
    variable: "METRICS_PORT",
    default: "",
    about:
      "A port on which a node or gateway shows its metrics to Prometheus, under `/metrics` on `HOST`, and under `/readyz` whether it can work; none unless given.",
    rule: "must be a whole number from 0 to 65535",
    schema: wholeNumber(0, 65_535)
  }),
  ...retentionSettings,
  ...gatewaySettings
} as const

type Settings = typeof settings
type Optional =
  | "natsUrl"
  | "natsInbox"
  | "natsMonitorUrl"
  | "natsServer"
  | "metricsPort"
  | "gatewaySecret"
  | "gatewayToken"
  | "gatewayPublicKey"
  | "gatewayJwks"
  | "gatewayIssuer"
  | "gatewayAudience"
  | "gatewayKeys"
  | "gatewayCertificate"
  | "gatewayCertificateKey"

/** The configuration of a process. `undefined` where a variable without a default is not set. */
export type Configuration = {
  readonly [K in keyof Settings]: Settings[K]["schema"]["Type"] | (K extends Optional ? undefined : never)
}

/** Hides passwords in servers' addresses: they must not get into a log or on a screen. */
export const withoutPassword = (text: string) => text.replace(/(\/\/[^:@/,]*):[^@/,]*@/g, "$1:***@")

const shown = ({ hidden }: SettingSpec<unknown>, value: string) => (hidden === true ? "***" : withoutPassword(value))

/** The names of all variables that are set to something. */
export const variableNames = Effect.sync(() => Object.keys(process.env).filter((name) => process.env[name] !== ""))

/** Checks a value against a setting. The same rules hold for an option on the command line. */
export const checkSetting = <A>(spec: SettingSpec<A>, value: string): Effect.Effect<A, InvalidSetting> =>
  Schema.decodeUnknownEffect(spec.schema)(value).pipe(
    Effect.mapError(() => new InvalidSetting({ variable: spec.variable, value: shown(spec, value), rule: spec.rule }))
  )

const readText = (variable: string): Effect.Effect<string> =>
  Config.option(Config.String(variable)).pipe(
    Effect.map(Option.getOrElse(() => "")),
    Effect.orElseSucceed(() => "")
  )

/** One variable's value, or its default. A variable that is set to nothing counts as not set. */
export const readSetting = <A>(spec: SettingSpec<A>): Effect.Effect<A, InvalidSetting> =>
  Effect.flatMap(readText(spec.variable), (text) => checkSetting(spec, text.trim() === "" ? spec.default : text.trim()))

export const readOptional = <A>(spec: SettingSpec<A>): Effect.Effect<A | undefined, InvalidSetting> =>
  Effect.flatMap(readText(spec.variable), (text) =>
    text.trim() === "" ? Effect.succeed(undefined) : checkSetting(spec, text.trim())
  )

/** The configuration from the environment. Fails on the first variable whose value breaks its rule. */
export const configuration: Effect.Effect<Configuration, InvalidSetting> = Effect.all({
  natsUrl: readOptional(settings.natsUrl),
  natsInbox: readOptional(settings.natsInbox),
  natsMonitorUrl: readOptional(settings.natsMonitorUrl),
  durability: readSetting(settings.durability),
  natsServer: readOptional(settings.natsServer),
  host: readSetting(settings.host),
  port: readSetting(settings.port),
  dataFolder: readSetting(settings.dataFolder),
  namespace: readSetting(settings.namespace),
  shards: readSetting(settings.shards),
  replicas: readSetting(settings.replicas),
  panel: readSetting(settings.panel),
  agentTypes: readSetting(settings.agentTypes),
  accounts: readSetting(settings.accounts),
  instruments: readSetting(settings.instruments),
  leaseTtl: readSetting(settings.leaseTtl),
  logLevel: readSetting(settings.logLevel),
  logFormat: readSetting(settings.logFormat),
  metricsPort: readOptional(settings.metricsPort),
  eventRetention: readSetting(settings.eventRetention),
  roundRetention: readSetting(settings.roundRetention),
  requestedRoundRetention: readSetting(settings.requestedRoundRetention),
  dataLimit: readSetting(settings.dataLimit),
  gatewaySecret: readOptional(settings.gatewaySecret),
  gatewayToken: readOptional(settings.gatewayToken),
  gatewayPublicKey: readOptional(settings.gatewayPublicKey),
  gatewayJwks: readOptional(settings.gatewayJwks),
  gatewayIssuer: readOptional(settings.gatewayIssuer),
  gatewayAudience: readOptional(settings.gatewayAudience),
  gatewayKeys: readOptional(settings.gatewayKeys),
  gatewayOrigins: readSetting(settings.gatewayOrigins),
  gatewayHosts: readSetting(settings.gatewayHosts),
  gatewayCertificate: readOptional(settings.gatewayCertificate),
  gatewayCertificateKey: readOptional(settings.gatewayCertificateKey),
  gatewayConnections: readSetting(settings.gatewayConnections),
  gatewayConnectionsPerAddress: readSetting(settings.gatewayConnectionsPerAddress),
  gatewaySubscriptions: readSetting(settings.gatewaySubscriptions),
  gatewayPatterns: readSetting(settings.gatewayPatterns),
  gatewayPatternsPerClient: readSetting(settings.gatewayPatternsPerClient),
  gatewayFramesPerSecond: readSetting(settings.gatewayFramesPerSecond),
  gatewayAsksPerSecond: readSetting(settings.gatewayAsksPerSecond),
  gatewayAsksPerSecondPerClient: readSetting(settings.gatewayAsksPerSecondPerClient),
  gatewayHistoriesPerSecond: readSetting(settings.gatewayHistoriesPerSecond),
  gatewayHistoriesPerSecondPerClient: readSetting(settings.gatewayHistoriesPerSecondPerClient),
  gatewayBytesPerSecond: readSetting(settings.gatewayBytesPerSecond),
  gatewayFrameBytes: readSetting(settings.gatewayFrameBytes),
  gatewayUnauthenticated: readSetting(settings.gatewayUnauthenticated),
  gatewayUnauthenticatedPerAddress: readSetting(settings.gatewayUnauthenticatedPerAddress),
  gatewayUnauthenticatedBytes: readSetting(settings.gatewayUnauthenticatedBytes),
  gatewayHandshakesPerSecond: readSetting(settings.gatewayHandshakesPerSecond),
  gatewayPendingBytes: readSetting(settings.gatewayPendingBytes),
  gatewayQueueBytes: readSetting(settings.gatewayQueueBytes),
  gatewayStall: readSetting(settings.gatewayStall),
  gatewayRequestsPerSecond: readSetting(settings.gatewayRequestsPerSecond),
  gatewayBodyBytes: readSetting(settings.gatewayBodyBytes),
  gatewayBodyBytesPerSecond: readSetting(settings.gatewayBodyBytesPerSecond),
  gatewayBodiesBytes: readSetting(settings.gatewayBodiesBytes),
  gatewayBodyMillis: readSetting(settings.gatewayBodyMillis),
  gatewayHeaderBytes: readSetting(settings.gatewayHeaderBytes),
  gatewaySymbols: readSetting(settings.gatewaySymbols),
  gatewayRounds: readSetting(settings.gatewayRounds),
  gatewayRoundsPerMinute: readSetting(settings.gatewayRoundsPerMinute),
  gatewayRoundsPerSecond: readSetting(settings.gatewayRoundsPerSecond),
  gatewayBytesPerMinute: readSetting(settings.gatewayBytesPerMinute),
  gatewayBytesPerDay: readSetting(settings.gatewayBytesPerDay),
  gatewayGrace: readSetting(settings.gatewayGrace),
  gatewayCompressFrom: readSetting(settings.gatewayCompressFrom)
})

/** Tells the HTTP library how large headers may be: it looks into the environment for that, when a gateway loads it. */
export const tellHeaderBytes = ({
  gatewayHeaderBytes
}: Pick<Configuration, "gatewayHeaderBytes">): Effect.Effect<void> =>
  Effect.sync(() => {
    process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(gatewayHeaderBytes)
  })

/** The table of variables as README.md shows it. */
export const settingsTable = (shown: { readonly [name: string]: SettingSpec<unknown> } = settings): string =>
  [
    "| variable | default | what it is for |",
    "| --- | --- | --- |",
    ...Object.values(shown).map(
      (spec) => `| \`${spec.variable}\` | ${spec.default === "" ? "" : `\`${spec.default}\``} | ${spec.about} |`
    )
  ].join("\n")

/** The environment that is given, in place of the process's own. For tests. */
export const fromRecord = (env: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
