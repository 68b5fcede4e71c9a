import { Console, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Gateway } from "../../gateway/index.ts"
import { LocalNode } from "../../runtime/index.ts"
import { namedServer, withParts } from "../../server/index.ts"
import { logReady } from "../../system/index.ts"
import { type Configuration, configuration, InvalidSetting, settings, withoutPassword } from "../config.ts"
import { natsFlag, natsUrl, optionOr, portFlag } from "../options.ts"
import { beginExperiment, experimentFlag, planOf } from "./experiment-file.ts"
import { configFlag, extensionOf } from "./extension.ts"
import { showMetrics } from "./metrics.ts"
import { keepRetention } from "./retention.ts"
import { connect, connectClient } from "./server.ts"
import { nodeName, OPEN, serveActors, serveGateway } from "./system.ts"

/** `conclave node`: the actors as a process of their own. */
export const node = Command.make(
  "node",
  {
    nats: natsFlag,
    name: Flag.String("name").pipe(
      Flag.withDescription("The node's name, unique among the live ones (default: the host's name and the process id)"),
      Flag.filter(
        (name) => /^[A-Za-z0-9-]{1,64}$/.test(name),
        () => "must be 1 to 64 letters, digits or dashes"
      ),
      Flag.optional
    ),
    labels: Flag.String("labels").pipe(
      Flag.withDescription(
        "What it may be told apart by, with commas between: it also serves actors that ask for one (default: none)"
      ),
      Flag.map((text) => (text === "" ? [] : text.split(",").map((label) => label.trim()))),
      Flag.filter(
        (labels) => labels.every((label) => /^[a-z][a-z0-9_]{0,63}$/.test(label)),
        () => "must be 1 to 64 of a-z 0-9 _ each, starting with a letter, with commas between"
      ),
      Flag.withDefault([])
    ),
    experiment: experimentFlag,
    config: configFlag
  },
  (given) =>
    Effect.scoped(
      Effect.gen(function* () {
        const environment = yield* configuration
        const url = yield* requiredUrl(given.nats, environment)
        const config = { ...environment, natsUrl: url }
        const name = Option.getOrElse(given.name, nodeName)
        const extension = yield* extensionOf(given.config)
        const experiment = yield* planOf(given.experiment, extension, config)
        const serving = Effect.gen(function* () {
          const system = yield* Layer.build(connect(config, namedServer(url), `node ${name}`))
          const parts = yield* Layer.build(
            serveActors(name, config, { labels: given.labels, extension, ...(experiment && { experiment }) })
          ).pipe(Effect.provide(system))
          const { broken } = yield* LocalNode.pipe(Effect.provide(parts))
          if (experiment !== undefined) yield* beginExperiment(experiment).pipe(Effect.provide(system))
          yield* showMetrics(config, { ready: yield* logReady(namedServer(url)).pipe(Effect.provide(system)) })
          yield* Effect.forkScoped(keepRetention(config, namedServer(url), name))
          yield* Console.log(
            `node ${name} serves actors on ${withoutPassword(url)}; Ctrl-C hands them over and stops it`
          )
          return yield* broken
        })
        return yield* withParts(namedServer(url), serving)
      })
    )
).pipe(Command.withDescription("Serve actors from this process; several nodes on one NATS share the work"))

/** `conclave gateway`: the gateway as a process of its own. */
export const gateway = Command.make("gateway", { nats: natsFlag, port: portFlag }, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const config = yield* configuration
      const url = yield* requiredUrl(given.nats, config)
      const port = yield* optionOr(given.port, "--port", settings.port, config.port)
      const serving = Effect.gen(function* () {
        const system = yield* Layer.build(connectClient(config, namedServer(url), "gateway"))
        const parts = yield* Layer.build(
          serveGateway(config, namedServer(url), { host: config.host, port, outside: true })
        ).pipe(Effect.provide(system))
        const address = yield* Gateway.pipe(Effect.provide(parts))
        yield* showMetrics(config, { ready: address.ready, more: address.metrics })
        yield* Console.log(`gateway on ${address.url} for ${withoutPassword(url)}; Ctrl-C stops it`)
        if (address.open) yield* Console.log(`access: ${OPEN}`)
        return yield* Effect.never
      })
      return yield* withParts(namedServer(url), serving)
    })
  )
).pipe(Command.withDescription("Serve WebSocket and HTTP clients from this process"))

/** The server that is named; a command that has none of its own needs one. */
export const requiredUrl = (option: Option.Option<string>, config: Configuration) =>
  Effect.flatMap(natsUrl(option, config), (url) =>
    url === undefined
      ? Effect.fail(new InvalidSetting({ variable: "NATS_URL", value: "", rule: "must be set, or --nats given" }))
      : Effect.succeed(url)
  )
