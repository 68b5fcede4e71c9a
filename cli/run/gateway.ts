import { Console, Effect, Layer } from "effect"
import { Command } from "effect/cli"
import { Gateway } from "../../gateway/index.ts"
import { namedServer, withParts } from "../../server/index.ts"
import { configuration, settings, withoutPassword } from "../config.ts"
import { natsFlag, optionOr, portFlag, requiredUrl } from "../options.ts"
import { showMetrics } from "./metrics.ts"
import { connectClient } from "./server.ts"
import { OPEN, serveGateway } from "./system.ts"

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
