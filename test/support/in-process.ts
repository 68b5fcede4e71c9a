// The command `conclave` in the process of the test: what it prints and how it ends, without the second that a process takes.
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit } from "effect"
import { Command } from "effect/cli"
import { commandNames, conclaveFor } from "../../cli/commands.ts"
import { fromRecord } from "../../cli/config.ts"
import { explain } from "../../cli/failure.ts"
import { layerUsage } from "../../cli/usage.ts"
import type { Ended } from "./command.ts"

export interface Said {
  readonly succeeded: boolean
  /** What it failed with, as one text. */
  readonly error: string
  readonly printed: string
  readonly seconds: number
}

/** Runs a command to its end, or until it has printed what matches `until`. */
export const runInProcess = (
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  until?: RegExp
): Effect.Effect<Said> =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    let shown = () => {}
    const say = (...texts: ReadonlyArray<unknown>) => {
      lines.push(texts.join(" "))
      if (until?.test(lines.join("\n"))) shown()
    }
    const console: Console.Console = { ...globalThis.console, log: say, error: say, warn: say, info: say, debug: say }
    const started = performance.now()
    const seen = Effect.callback<void>((resume) => {
      shown = () => resume(Effect.void)
    })
    const exit = yield* commandOf(words).pipe(Effect.raceFirst(seen), settle(console, env))
    const error = Exit.isFailure(exit) ? sentenceOf(exit.cause) : ""
    const seconds = (performance.now() - started) / 1_000
    return { succeeded: Exit.isSuccess(exit), error, printed: lines.join("\n"), seconds }
  })

const commandOf = (words: ReadonlyArray<string>) =>
  Effect.flatMap(conclaveFor(words), (conclave) => Command.runWith(conclave, { version: "test" })(words))

const settle =
  (console: Console.Console, env: Readonly<Record<string, string>>) =>
  <E>(command: Effect.Effect<void, E, Command.Environment>): Effect.Effect<Exit.Exit<void, E>> =>
    command.pipe(
      Effect.provide([layerUsage, NodeServices.layer, fromRecord(env)]),
      Effect.provideService(Console.Console, console),
      Effect.exit
    )

/** Runs a command to its end, and tells of it what a process would have: the code that it ends with, and both of its outputs. */
export const endedInProcess = (
  env: Readonly<Record<string, string>>,
  ...words: ReadonlyArray<string>
): Effect.Effect<Ended> =>
  Effect.gen(function* () {
    const texts = { stdout: "", stderr: "" }
    const into =
      (name: keyof typeof texts) =>
      (...parts: ReadonlyArray<unknown>) => {
        texts[name] += `${parts.join(" ")}\n`
      }
    const [out, err] = [into("stdout"), into("stderr")]
    const console = { ...globalThis.console, log: out, info: out, debug: out, error: err, warn: err }
    const exit = yield* commandOf(words).pipe(Effect.catchCause(explain), settle(console, env))
    return { code: Exit.isSuccess(exit) ? 0 : 1, ...texts }
  })

const sentenceOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : Cause.pretty(cause)
}

/** The words by which each command that does something is called, such as `actors list`. */
export const commandPaths = Effect.map(conclaveFor(commandNames), (conclave) => leaves(conclave, []))

const leaves = (command: Command.Command.Any, path: ReadonlyArray<string>): ReadonlyArray<string> =>
  command.subcommands.length === 0
    ? [path.join(" ")]
    : command.subcommands.flatMap(({ commands }) => commands.flatMap((inner) => leaves(inner, [...path, inner.name])))

/** The help of each command that does something: its usage, and the lines of its flags. */
export const commandHelps = Effect.flatMap(commandPaths, (paths) =>
  Effect.forEach(paths, (path) =>
    Effect.map(runInProcess([...path.split(" "), "--help"], {}), ({ printed }) => ({
      path,
      usage: /USAGE\n {2}(.*)/.exec(printed)?.[1] ?? "",
      lines: (/\nFLAGS\n([\s\S]*?)\n\n/.exec(printed)?.[1] ?? "").split("\n")
    }))
  )
)
