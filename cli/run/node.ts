import { Console, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { LocalNode } from "../../runtime/index.ts"
import { namedServer, withParts } from "../../server/index.ts"
import { logReady } from "../../system/index.ts"
import { configuration, withoutPassword } from "../config.ts"
import { natsFlag, requiredUrl } from "../options.ts"
import { beginExperiment, experimentFlag, planOf } from "./experiment-file.ts"
import { configFlag, extensionOf } from "./extension.ts"
import { showMetrics } from "./metrics.ts"
import { keepRetention } from "./retention.ts"
import { connect } from "./server.ts"
import { nodeName, serveActors } from "./system.ts"

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
