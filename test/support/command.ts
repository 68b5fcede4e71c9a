// The command `conclave` as people run it: a process of its own, what it prints, and how it ends.
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { temporaryFolder } from "./nats.ts"

export const ROOT = join(import.meta.dirname, "..", "..")
const STOP_GRACE = "15 seconds"
const WAIT = "15 seconds"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  /** Waits, 15 seconds at most, until standard output matches, and gives the first group of the match. */
  readonly says: (pattern: RegExp) => Effect.Effect<string>
  /** To the process and its children in the same group, as a terminal does it. */
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** Reads no more of what it prints, as `head` does. */
  readonly stopReading: Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
}

/**
 * Starts `conclave` with these words. What is left of it is stopped when the scope closes. `files`: how many it may open, where that is
 * not what the test itself may.
 */
export const start = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  files?: number
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => launch(args, env, files)),
    ({ signal, ended }) =>
      signal("SIGTERM").pipe(
        Effect.andThen(ended),
        Effect.timeoutOrElse({ duration: STOP_GRACE, orElse: () => Effect.andThen(signal("SIGKILL"), ended) })
      )
  )

/** Runs `conclave` with these words to its end. */
export const conclave = (...args: ReadonlyArray<string>): Effect.Effect<Ended> => conclaveWith({}, ...args)

/** The same with variables of the environment. */
export const conclaveWith = (
  env: Readonly<Record<string, string>>,
  ...args: ReadonlyArray<string>
): Effect.Effect<Ended> => Effect.scoped(Effect.flatMap(start(args, env), ({ ended }) => ended))

/** What `conclave` gives Node before a program of ours. */
export const SOURCES = ["--import", join(ROOT, "setup", "sources.mjs")]

/** Only what a program cannot do without: the tests' own settings must not change what they test. */
export const environment = (env: Readonly<Record<string, string>>) => {
  const kept = ["PATH", "HOME", "TMPDIR", "NATS_SERVER"].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), ...env }
}

const launch = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, files?: number): Running => {
  const words = [process.execPath, ...SOURCES, join(ROOT, "cli", "main.ts"), ...args]
  const [program = "", ...rest] =
    files === undefined ? words : ["sh", "-c", `ulimit -n ${files}; exec "$0" "$@"`, ...words]
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: environment(env),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const texts = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (text) => {
    texts.stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text) => {
    texts.stderr += text
  })
  const ending = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, ...texts })))
  return {
    pid: child.pid!,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    says: (pattern) => says(child, texts, pattern),
    signal: (name) => Effect.sync(() => signalGroup(child, name)),
    stopReading: Effect.sync(() => child.stdout.destroy()),
    ended: Effect.promise(() => ending)
  }
}

const signalGroup = (child: ChildProcess, name: NodeJS.Signals): void => {
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, name)
}

const says = (
  child: ChildProcess,
  texts: { stdout: string; stderr: string },
  pattern: RegExp
): Effect.Effect<string> => {
  const poll: Effect.Effect<string> = Effect.suspend(() => {
    const match = pattern.exec(texts.stdout)
    if (match !== null) return Effect.succeed(match[1] ?? match[0])
    if (child.exitCode !== null) return Effect.die(new Error(`it ended before it said ${pattern}: ${texts.stderr}`))
    return Effect.delay(poll, "20 millis")
  })
  const late = () => Effect.die(new Error(`it did not say ${pattern}: ${texts.stdout}${texts.stderr}`))
  return Effect.timeoutOrElse(poll, { duration: WAIT, orElse: late })
}

/** The pid of the nats-server on a data folder, if one runs there. */
export const serverOn = (folder: string): number | undefined => {
  try {
    const pid = Number(readFileSync(join(folder, "nats", "server.pid"), "utf8"))
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
    return words.includes(join(folder, "nats", "server.conf")) ? pid : undefined
  } catch {
    return undefined
  }
}

/** A data folder. It is deleted with the scope, and a server that a killed command left there is ended. */
export const dataFolder: Effect.Effect<string, never, Scope.Scope> = Effect.tap(temporaryFolder, (folder) =>
  Effect.addFinalizer(() =>
    Effect.sync(() => {
      const pid = serverOn(folder)
      if (pid !== undefined) process.kill(pid, "SIGKILL")
    })
  )
)
