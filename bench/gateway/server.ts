import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { connect } from "@nats-io/transport-node"
import { Effect, Schema, type Scope } from "effect"
import { natsWebSocket } from "../../test/support/nats-websocket.ts"
import { Listening, type Question, ServerOptions, Taken } from "./server-options.ts"
import type { Kind } from "./wire.ts"

const MAIN = fileURLToPath(new URL("./server-main.ts", import.meta.url))

/** Who sends events to clients, in a process of its own. */
export interface Server {
  readonly port: number
  /** What it takes, after the garbage was collected where there is a collector to ask. */
  readonly taken: Effect.Effect<Taken>
  /** Microseconds of processor time that it took so far. */
  readonly cpu: Effect.Effect<number>
  /** Gives it an event, by way of a nats-server. */
  readonly publish: (subject: string, payload: string) => void
}

const encode = Schema.encodeSync(Schema.fromJsonString(ServerOptions))
const decodeListening = Schema.decodeUnknownSync(Listening)
const decodeTaken = Schema.decodeUnknownSync(Taken)

/** Starts one until the scope closes. `url` and `namespace`: where the events are stored that it sends. */
export const startServer = (kind: Kind, url: string, namespace: string): Effect.Effect<Server, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    if (kind === "nats") {
      const { webSocketPort, taken, ...nats } = yield* natsWebSocket
      const cpu = Effect.map(taken, (all) => all.cpu)
      return { port: webSocketPort, taken, cpu, publish: yield* publisher(nats.url, "") }
    }
    const child = yield* startProcess({ kind, url, namespace })
    const ask = (question: Question) =>
      Effect.callback<Taken>((resume) => {
        child.process.once("message", (said) => resume(Effect.sync(() => decodeTaken(said))))
        child.process.send(question)
      })
    const cpu = Effect.map(ask("cpu"), (all) => all.cpu)
    return { port: child.port, taken: ask("taken"), cpu, publish: yield* publisher(url, `${namespace}.event.`) }
  })

const publisher = (url: string, prefix: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => connect({ servers: url })),
      (connection) => Effect.promise(() => connection.close())
    ),
    (connection) => (subject: string, payload: string) => connection.publish(prefix + subject, payload)
  )

const startProcess = (options: ServerOptions) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly process: ChildProcess; readonly port: number }>((resume) => {
      const child = spawn(process.execPath, ["--expose-gc", MAIN, encode(options)], {
        stdio: ["ignore", "inherit", "inherit", "ipc"]
      })
      child.once("message", (said) => resume(Effect.sync(() => ({ process: child, port: decodeListening(said).port }))))
      child.once("exit", (code) => resume(Effect.die(new Error(`the server ${options.kind} ended with ${code}`))))
    }),
    ({ process: child }) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )
