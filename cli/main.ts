// The command `conclave`.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect } from "effect"
import { CliError, Command } from "effect/cli"
import { actors } from "./actors.ts"
import { analyze } from "./analyze.ts"
import { backtest } from "./backtest.ts"
import { clients } from "./clients.ts"
import { dead } from "./dead.ts"
import { experiments } from "./experiments.ts"
import { exportJournal } from "./export.ts"
import { feedCommand } from "./feed.ts"
import { feedback } from "./feedback.ts"
import { logging } from "./logging.ts"
import { market } from "./market-facts.ts"
import { nodes } from "./nodes.ts"
import { gateway, node } from "./parts.ts"
import { portfolio } from "./portfolio.ts"
import { replayActor } from "./replay.ts"
import { VERSION } from "./system.ts"
import { testAgents } from "./test-agents.ts"
import { token } from "./token.ts"
import { tools } from "./tools.ts"
import { up } from "./up.ts"
import { layerUsage } from "./usage.ts"
import { verify } from "./verify.ts"

const conclave = Command.make("conclave").pipe(
  Command.withDescription("Durable actors on NATS JetStream, and trading agents on them that decide together"),
  Command.withSubcommands([
    up,
    analyze,
    node,
    gateway,
    feedCommand,
    token,
    clients,
    actors,
    dead,
    nodes,
    experiments,
    feedback,
    portfolio,
    market,
    testAgents,
    backtest,
    tools,
    verify,
    replayActor,
    exportJournal
  ])
)

/** One sentence for each failure that is foreseen; the whole cause for those that are not. */
const explain = (cause: Cause.Cause<unknown>) => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
  const error = Cause.squash(cause)
  // Wrong words on the command line were explained where they were read.
  if (CliError.isCliError(error)) return Effect.fail(error)
  const foreseen = error instanceof Error && "_tag" in error && !Cause.hasDies(cause)
  const text = foreseen || (error instanceof Error && !Cause.hasDies(cause)) ? error.message : Cause.pretty(cause)
  return Console.error(`conclave: ${text}`).pipe(Effect.andThen(Effect.fail(error)))
}

const stopInOrder = () => process.kill(process.pid, "SIGTERM")

// Whoever read our output has gone, as `head` does, or the terminal was closed: what runs is stopped in order.
process.stdout.on("error", stopInOrder)
process.stderr.on("error", stopInOrder)
process.on("SIGHUP", stopInOrder)

Command.run(conclave, { version: VERSION }).pipe(
  Effect.provide(logging),
  Effect.catchCause(explain),
  Effect.provide(layerUsage),
  Effect.provide(NodeServices.layer),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true })
)
