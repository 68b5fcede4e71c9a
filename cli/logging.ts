// What is logged, and how: for people, or as JSON lines by pino for machines that collect them.
import { Effect, Layer, Logger, References } from "effect"
import { configuration } from "./config.ts"

/** What is printed for people goes to standard output, what is logged to standard error. */
export const logging = Layer.unwrap(
  Effect.gen(function* () {
    const { logLevel, logFormat } = yield* configuration
    // Loaded where it is wanted: most commands log nothing.
    const logger =
      logFormat === "json"
        ? (yield* Effect.promise(() => import("./json-log.ts"))).jsonLogger()
        : Logger.consolePretty()
    return Layer.mergeAll(
      Logger.layer([logger]),
      Layer.succeed(Logger.LogToStderr, true),
      Layer.succeed(References.MinimumLogLevel, logLevel)
    )
  })
)
