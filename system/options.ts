import { Config, Effect, Option, Schema } from "effect"
import type { AccountRules, ModelsOptions } from "../actors/index.ts"
import type { GatewayOptions } from "../gateway/index.ts"
import { type AgentType, HOUSE_TYPES } from "../protocols/index.ts"
import { InvalidOption, NatsAddresses, omitUndefined, readOptions } from "../runtime/index.ts"
import { SystemOptions } from "./option-schemas.ts"

export { InvalidOption }

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
  readonly gateway?: Omit<GatewayOptions, "ready" | "serving" | "tasks">
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

/** The options, checked, with what the environment says where they say nothing. */
export const resolved = (options: AgentSystemOptions) =>
  Effect.gen(function* () {
    const given = yield* Effect.fromResult(readOptions(SystemOptions, options))
    const { temporary = false, dataDir, nats } = given
    if (temporary && dataDir !== undefined) return yield* refused("temporary", "goes without dataDir: one of them")
    const own = temporary || dataDir !== undefined
    if (nats !== undefined && own) {
      return yield* refused(
        "nats",
        `goes without ${temporary ? "temporary" : "dataDir"}: servers that are there keep their own`
      )
    }
    // Who names a folder wants a server on it.
    const servers = nats ?? (own ? undefined : yield* variable("NATS_URL"))
    if (!Schema.is(Schema.UndefinedOr(NatsAddresses))(servers)) {
      return yield* refused("NATS_URL", "must be one or more nats:// or tls:// addresses, separated by commas")
    }
    yield* checkPanel(given.panel ?? [], servers === undefined)
    const { gateway, models, accountRules = {}, namespace = "conclave", roundTimeoutMs = 15_000, ...rest } = given
    return {
      ...omitUndefined(rest),
      ...{ namespace, roundTimeoutMs, nats: servers, accountRules: omitUndefined(accountRules) },
      models: models && omitUndefined(models),
      gateway: gateway && omitUndefined({ ...gateway, limits: omitUndefined(gateway.limits ?? {}) }),
      natsServer: given.natsServer ?? (yield* variable("NATS_SERVER"))
    }
  })

const refused = (option: string, rule: string) => Effect.fail(new InvalidOption({ option, rule }))

/** Of agents that this system lacks only other nodes can have the actors, and those there are only on servers that others reach. */
const checkPanel = (panel: ReadonlyArray<string>, alone: boolean) => {
  const types: ReadonlyArray<string> = HOUSE_TYPES
  const others = panel.filter((type) => !types.includes(type)).join(", ")
  if (others === "") return Effect.void
  return alone
    ? refused("panel", `names ${others}, and there is no such agent: there are ${types.join(", ")}`)
    : Effect.logWarning("this system lacks agents of its panel: they are left to the nodes that have them").pipe(
        Effect.annotateLogs({ agents: others })
      )
}

/** What is set, and not empty, in the environment. */
const variable = (name: string): Effect.Effect<string | undefined> =>
  Effect.orElseSucceed(
    Effect.map(Config.option(Config.String(name)), (found) =>
      Option.getOrUndefined(Option.filter(found, (text) => text !== ""))
    ),
    () => undefined
  )
