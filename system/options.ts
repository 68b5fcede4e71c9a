import { Config, Effect, Option, Schema } from "effect"
import type { AccountRules, ModelsOptions } from "../actors/index.ts"
import type { GatewayOptions } from "../gateway/index.ts"
import type { AgentType } from "../protocols/index.ts"

/** Something that a system was to be started with cannot be. */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return `${this.option} ${this.rule}`
  }
}

export interface AgentSystemOptions {
  /**
   * The NATS servers to use, `nats://127.0.0.1:4222`, with commas between. Unless given, those of `NATS_URL`; and where that is not set,
   * a nats-server of the system's own on 127.0.0.1, which ends with it.
   */
  readonly nats?: string
  /** Where a server of its own keeps what is stored: `./data` unless given. Two systems do not share one. */
  readonly dataDir?: string
  /** Keep nothing: a server of its own stores in a folder that is removed at the end. */
  readonly temporary?: boolean
  /** The nats-server program, where one of its own is started; `NATS_SERVER`, or the one on the PATH, unless given. */
  readonly natsServer?: string
  /** Several systems on one NATS have one each; `conclave` unless given. 1 to 32 of a-z 0-9 _, with a letter first. */
  readonly namespace?: string
  /** The gateway for WebSocket and HTTP clients; none unless given. Port 0 takes a free one. */
  readonly gateway?: Omit<GatewayOptions, "ready" | "serving" | "version"> & { readonly version?: string }
  /** Who is asked in every analysis; the panel of three unless given. */
  readonly panel?: ReadonlyArray<AgentType>
  /** The paper accounts that trade by the decisions; none unless given. */
  readonly accounts?: ReadonlyArray<string>
  /** Their rules; `ACCOUNT_DEFAULTS` where nothing is said. */
  readonly accountRules?: Partial<AccountRules>
  /** The language models that agents ask; each goes by its own rules unless given. */
  readonly models?: Omit<ModelsOptions, "actors" | "round">
  /** How long a round takes votes, in milliseconds; 15,000 unless given. */
  readonly roundTimeoutMs?: number
  /** What is logged, to stderr, as lines of text; `Warn` unless given. */
  readonly log?: "None" | "Error" | "Warn" | "Info" | "Debug"
}

/** The options with what the environment says where they say nothing. */
export const resolved = (options: AgentSystemOptions) =>
  Effect.gen(function* () {
    const { namespace = "conclave", roundTimeoutMs = 15_000 } = options
    if (!/^[a-z][a-z0-9_]{0,31}$/.test(namespace)) {
      return yield* new InvalidOption({
        option: "namespace",
        rule: "must be 1 to 32 of a-z 0-9 _ and start with a letter"
      })
    }
    if (!Number.isInteger(roundTimeoutMs) || roundTimeoutMs < 100 || roundTimeoutMs > 600_000) {
      return yield* new InvalidOption({ option: "roundTimeoutMs", rule: "must be a whole number from 100 to 600000" })
    }
    if (options.temporary === true && options.dataDir !== undefined) {
      return yield* new InvalidOption({ option: "temporary", rule: "goes without dataDir: one of them" })
    }
    const own = options.temporary === true || options.dataDir !== undefined
    return {
      ...options,
      namespace,
      roundTimeoutMs,
      // Who names a folder wants a server on it.
      nats: options.nats ?? (own ? undefined : yield* variable("NATS_URL")),
      natsServer: options.natsServer ?? (yield* variable("NATS_SERVER"))
    }
  })

/** What is set, and not empty, in the environment. */
const variable = (name: string): Effect.Effect<string | undefined> =>
  Effect.orElseSucceed(
    Effect.map(Config.option(Config.String(name)), (found) =>
      Option.getOrUndefined(Option.filter(found, (text) => text !== ""))
    ),
    () => undefined
  )
