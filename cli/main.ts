// The command `conclave`.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Layer, References } from "effect"
import { Command } from "effect/cli"
import { commandNames, conclaveFor } from "./commands.ts"
import { explain } from "./failure.ts"
import { terminal } from "./terminal.ts"
import { layerUsage } from "./usage.ts"
import { VERSION } from "./version.ts"

const stopInOrder = () => process.kill(process.pid, "SIGTERM")

// Whoever read our output has gone, as `head` does, or the terminal was closed: what runs is stopped in order.
process.stdout.on("error", stopInOrder)
process.stderr.on("error", stopInOrder)
process.on("SIGHUP", stopInOrder)

const words = process.argv.slice(2)

const name = words.find((word) => commandNames.includes(word))

const logging = Layer.unwrap(
  Effect.promise(async () => {
    // Help runs nothing that could log.
    if (name === undefined) return Layer.empty
    // It says by itself what is wrong, with the settings of the log too.
    if (name === "doctor") return Layer.succeed(References.MinimumLogLevel, "None")
    return (await import("./logging.ts")).logging
  })
)

conclaveFor(words).pipe(
  Effect.flatMap((conclave) => Command.runWith(conclave, { version: VERSION })(words)),
  Effect.tapCause((cause) => (Cause.hasDies(cause) ? Effect.logDebug("a defect", cause) : Effect.void)),
  Effect.provide(logging),
  Effect.catchCause(explain),
  Effect.provide(layerUsage),
  Effect.provide(NodeServices.layer),
  Effect.provideService(Console.Console, terminal),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true })
)
