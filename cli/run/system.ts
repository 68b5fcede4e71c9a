// The composition root: which parts a process is made of, and how they hang together.
import { hostname } from "node:os"
import { Duration, Effect, Layer } from "effect"
import { ACCOUNT_DEFAULTS, AHEAD_MILLIS, allActors, openModels, quantPolicy } from "../../actors/index.ts"
import { type Extension, NO_EXTENSION } from "../../extension/index.ts"
import { Gateway, type GatewayOptions, SERVING, statusProbe } from "../../gateway/index.ts"
import { type ExperimentPlan, HOUSE_TYPES, type ModelName } from "../../protocols/index.ts"
import { Actors, EventLog, layerNode } from "../../runtime/index.ts"
import { layerEvents } from "../../runtime/nats/index.ts"
import type { Server } from "../../server/index.ts"
import { analysisMillisOf, logReady, taskRunners } from "../../system/index.ts"
import { type Configuration, InvalidSetting, readOptional, settings, tellHeaderBytes } from "../config.ts"
import { modelConfiguration, modelTimes, warnOfOnePlace } from "../config-models.ts"
import { VERSION } from "../version.ts"
import { gatewayOptions } from "./gateway-options.ts"

/** How long a round takes votes unless something else is said. */
const ROUND = "15 seconds"

export interface ServeOptions {
  readonly labels?: ReadonlyArray<string>
  /** What the analyses are held by. */
  readonly experiment?: ExperimentPlan
  /** What is added to the system; nothing unless given. */
  readonly extension?: Extension
  /** The model of all agents, in place of those of the environment. */
  readonly model?: ModelName
}

/** All actors of the house, in this process, with the panel, the accounts and the language models of the environment. */
export const serveActors = (
  name: string,
  {
    panel,
    agentTypes,
    accounts,
    instruments,
    natsUrl
  }: Pick<Configuration, "panel" | "agentTypes" | "accounts" | "instruments" | "natsUrl">,
  { labels = [], experiment, model, extension = NO_EXTENSION }: ServeOptions = {}
) =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* checkPanel(panel, extension, natsUrl === undefined)
      const { round = ROUND, ...asked } = yield* modelConfiguration(model, knownModels(extension))
      yield* warnOfOnePlace(asked)
      const models = yield* openModels({ ...asked, round, actors: yield* Actors })
      const actors = allActors({
        policy: quantPolicy,
        agent: { models },
        agents: extension.agents,
        ...{ tools: extension.tools, agentTypes },
        ...{ panel, panels: extension.panels, accounts },
        portfolio: { rules: { ...ACCOUNT_DEFAULTS, instruments } },
        aheadMillis: AHEAD_MILLIS,
        roundTimeoutMillis: Duration.toMillis(Duration.fromInputUnsafe(round)),
        ...(experiment === undefined ? {} : { experiment })
      })
      return layerNode({ name, labels, actors: [...actors, ...extension.actors] })
    })
  )

/** What is known of the models of own agents. */
const knownModels = ({ agents, models }: Extension) => ({
  models,
  prompts: new Map(agents.map(({ type, prompt }) => [type, prompt]))
})

/**
 * A panel is named in one place, and by a node that is alone of agents that it has; of others the actors are left to the nodes that have
 * them.
 */
const checkPanel = (panel: ReadonlyArray<string>, { agents, panels, file = "" }: Extension, alone: boolean) =>
  Effect.gen(function* () {
    const { variable } = settings.panel
    if (panels["*"] !== undefined && (yield* readOptional(settings.panel)) !== undefined) {
      const rule = `must not be set: ${file} has a panel for every symbol`
      return yield* new InvalidSetting({ variable, value: panel.join(","), rule })
    }
    const types: ReadonlyArray<string> = [...HOUSE_TYPES, ...agents.map(({ type }) => type)]
    const others = panel.filter((type) => !types.includes(type))
    if (others.length === 0) return
    if (alone) {
      const rule = `there is no agent ${others.join(", ")}; there are ${types.join(", ")}`
      return yield* new InvalidSetting({ variable, value: panel.join(","), rule })
    }
    yield* Effect.logWarning("this node lacks agents of its panel: they are left to the nodes that have them").pipe(
      Effect.annotateLogs({ agents: others.join(", ") })
    )
  })

/** What people are told of a gateway that knows no clients. */
export const OPEN = "anybody on this machine: no secret, public key or keys are set (GATEWAY_JWT_SECRET …)"

/**
 * The gateway; it is ready while the log answers and is the one that it was, and while nodes answer. It reads events over a
 * connection of its own: by itself or, `outside` of nodes, as they give them.
 */
export const serveGateway = (
  config: Configuration,
  server: Server,
  { outside, ...options }: Pick<GatewayOptions, "host" | "port"> & { readonly outside: boolean }
) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const ready = yield* logReady(server)
      yield* tellHeaderBytes(config)
      const { round } = yield* modelTimes
      const limits = { ...gatewayOptions(config).limits, analysisMillis: analysisMillisOf(Duration.toMillis(round)) }
      const serving = { ...SERVING, probe: statusProbe }
      const events = layerEvents({
        url: server.url,
        inbox: config.natsInbox,
        namespace: config.namespace,
        name: "conclave gateway events",
        outside
      })
      return Gateway.layer({
        ...gatewayOptions(config),
        ...options,
        limits,
        ready,
        serving,
        tasks: taskRunners(yield* Actors),
        version: VERSION
      }).pipe(Layer.provide(Layer.effectDiscard(mayReadEvents)), Layer.provide(events))
    })
  )

/** A user without the right to read events hears of it at the start, rather than each of its clients. */
const mayReadEvents = EventLog.use(({ history, kept }) =>
  Effect.flatMap(kept(">"), ({ last }) => history(">", { from: "sequence", sequence: last + 1 }).next(last))
).pipe(Effect.catch((error) => (/Permissions Violation/.test(error.message) ? Effect.fail(error) : Effect.void)))

/** A name that no other live node has: the host's and the process's. */
export const nodeName = (): string => `${hostname().replace(/[^A-Za-z0-9-]/g, "-")}-${process.pid}`
