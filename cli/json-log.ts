import { Cause, Logger, type LogLevel, References } from "effect"
import { type Level, pino, stdSerializers } from "pino"
import { forTerminal } from "./escaping.ts"

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
export const jsonLogger = () => {
  const standardError = pino.destination({ fd: 2, sync: true })
  const write = (line: string) => standardError.write(forTerminal(line))
  const lines = pino({ level: "trace", base: null, timestamp: false }, { write })
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
