// What is logged, and how: for people, or as JSON lines by pino for machines that collect them.
import { Cause, Effect, Layer, Logger, type LogLevel, References } from "effect"
import { type Level, pino, stdSerializers } from "pino"
import { configuration } from "./config.ts"

const LEVELS: { readonly [L in LogLevel.LogLevel]: Level } = {
  All: "trace",
  Trace: "trace",
  Debug: "debug",
  Info: "info",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
  None: "trace"
}

/** One line of JSON for each message on standard error, with what it was annotated with: actor, correlation, node. */
const json = () => {
  const lines = pino({ level: "trace", base: null, timestamp: false }, pino.destination({ fd: 2, sync: true }))
  return Logger.make<unknown, void>(({ message, logLevel, cause, date, fiber }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    const [text, ...rest] = Array.isArray(message) ? message : [message]
    const fields = Object.assign({}, annotations, ...rest.map(fieldsOf))
    const failed = cause.reasons.length === 0 ? {} : { cause: Cause.pretty(cause) }
    lines[LEVELS[logLevel]]({ time: date.getTime(), ...fields, ...failed }, String(text))
  })
}

const fieldsOf = (value: unknown): object => {
  if (value instanceof Error) return { err: stdSerializers.err(value) }
  return typeof value === "object" && value !== null ? value : {}
}

/** What is printed for people goes to standard output, what is logged to standard error. */
export const logging = Layer.unwrap(
  Effect.map(configuration, ({ logLevel, logFormat }) =>
    Layer.mergeAll(
      Logger.layer([logFormat === "json" ? json() : Logger.consolePretty()]),
      Layer.succeed(Logger.LogToStderr, true),
      Layer.succeed(References.MinimumLogLevel, logLevel)
    )
  )
)
