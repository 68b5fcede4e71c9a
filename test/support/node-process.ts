import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { SOURCES } from "./command.ts"

const MAIN = fileURLToPath(new URL("./node-main.ts", import.meta.url))

/** So much of what it prints is kept, in characters. */
const OUTPUT_MAX = 200_000

export interface NodeProcess {
  readonly pid: number
  /** `kill -9`: it gets no chance to say goodbye. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM: it hands over its shards and ends. Gives the exit code. */
  readonly stop: Effect.Effect<number | null>
  /** Completes when it has ended, by whatever. */
  readonly ended: Effect.Effect<void>
  /** What it has printed so far. */
  readonly output: () => string
}

/**
 * Starts a node with a set of actors in a process of its own, and waits until it serves. It is gone when the scope closes.
 * `main` is what runs there, with `nodeArgs` for Node itself.
 */
export const startNode = (
  url: string,
  namespace: string,
  name: string,
  set = "counter",
  main = MAIN,
  nodeArgs: ReadonlyArray<string> = []
): Effect.Effect<NodeProcess, Error, Scope.Scope> => {
  let output = ""
  return Effect.acquireRelease(
    Effect.callback<ChildProcess, Error>((resume) => {
      const child = spawn(process.execPath, [...SOURCES, ...nodeArgs, main, url, namespace, name, set], {
        stdio: ["ignore", "pipe", "pipe"]
      })
      const read = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-OUTPUT_MAX)
        if (output.includes("ready")) resume(Effect.succeed(child))
      }
      child.stdout.on("data", read)
      child.stderr.on("data", read)
      child.once("exit", (code) => resume(Effect.fail(new Error(`node ${name} ended with ${code}: ${output}`))))
    }),
    (child) => end(child, "SIGKILL")
  ).pipe(
    Effect.map((child) => ({
      pid: child.pid!,
      kill: Effect.asVoid(end(child, "SIGKILL")),
      stop: end(child, "SIGTERM"),
      ended: Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
      }),
      output: () => output
    }))
  )
}

const end = (child: ChildProcess, signal: NodeJS.Signals): Effect.Effect<number | null> =>
  Effect.callback<number | null>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.succeed(child.exitCode))
    child.once("exit", (code) => resume(Effect.succeed(code)))
    child.kill(signal)
  })
