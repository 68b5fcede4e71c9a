// `conclave run`: a program of one's own, with a nats-server for as long as it lasts.
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { ChildProcess } from "effect/process"
import { openServer } from "../../server/index.ts"
import { configuration, settings } from "../config.ts"
import { dataFlag, optionOr } from "../options.ts"

const file = Argument.String("file").pipe(Argument.withDescription("The program, such as src/main.ts"))
const words = Argument.String("word").pipe(
  Argument.withDescription("What the program is given; after -- where it begins with a dash"),
  Argument.variadic()
)

/** `conclave run`. It ends as the program does, and the program ends, too, where it is stopped. */
export const run = Command.make("run", { data: dataFlag, file, words }, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const config = yield* configuration
      const dataDir = yield* optionOr(given.data, "--data", settings.dataFolder, config.dataFolder)
      const server = yield* openServer(config, config.natsUrl, dataDir)
      const child = yield* ChildProcess.make(process.execPath, [given.file, ...given.words], {
        env: { NATS_URL: server.url },
        extendEnv: true,
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
        forceKillAfter: "10 seconds"
      })
      const code = yield* Effect.raceFirst(child.exitCode, server.gone)
      yield* Effect.sync(() => {
        process.exitCode = code
      })
    })
  )
).pipe(
  Command.withDescription("Run a program of your own with a nats-server on the data folder"),
  Command.withExamples([{ command: "npx conclave run src/main.ts", description: "As long as the program runs" }])
)
