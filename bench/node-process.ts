import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect, Schema, type Scope } from "effect"
import { Memory, NodeProcessOptions } from "./node-options.ts"

const MAIN = fileURLToPath(new URL("./node-main.ts", import.meta.url))

export interface NodeProcess {
  /** What it takes now; where garbage may be collected, after that. */
  readonly memory: Effect.Effect<Memory>
  /** `kill -9`. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM: it hands over its shards and ends. */
  readonly stop: Effect.Effect<void>
}

const encode = Schema.encodeSync(Schema.fromJsonString(NodeProcessOptions))
const decodeMemory = Schema.decodeUnknownSync(Memory)

/** Starts a node in a process of its own, and waits until it serves. It is gone when the scope closes. */
export const startNode = (
  options: NodeProcessOptions,
  flags: ReadonlyArray<string> = []
): Effect.Effect<NodeProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ChildProcess>((resume) => {
      const child = spawn(process.execPath, [...flags, MAIN, encode(options)], {
        stdio: ["ignore", "inherit", "inherit", "ipc"]
      })
      child.once("message", () => resume(Effect.succeed(child)))
      child.once("exit", (code) => resume(Effect.die(new Error(`node ${options.name} ended with ${code}`))))
    }),
    (child) => end(child, "SIGKILL")
  ).pipe(
    Effect.map((child) => ({
      memory: Effect.callback<Memory>((resume) => {
        child.once("message", (said) => resume(Effect.sync(() => decodeMemory(said))))
        child.send("memory")
      }),
      kill: end(child, "SIGKILL"),
      stop: end(child, "SIGTERM")
    }))
  )

const end = (child: ChildProcess, signal: NodeJS.Signals): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill(signal)
  })
