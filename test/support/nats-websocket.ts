// A nats-server with its own WebSocket, to measure the gateway beside it.
import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { findBinary, type NatsServerMissing } from "../../server/nats-server.ts"
import { temporaryFolder } from "./nats.ts"

export interface NatsWebSocket {
  readonly url: string
  readonly webSocketPort: number
  /** Bytes of memory that it takes, none of them a heap that could be asked for, and microseconds of processor time that it took. */
  readonly taken: Effect.Effect<{ readonly rss: number; readonly heap: number; readonly cpu: number }>
}

const PAGE_BYTES = 4_096
const TICK_MICROS = 10_000

/** Starts it without JetStream, until the scope closes. */
export const natsWebSocket: Effect.Effect<NatsWebSocket, NatsServerMissing, Scope.Scope> = Effect.gen(function* () {
  const { binary } = yield* findBinary(process.env.NATS_SERVER)
  const folder = yield* temporaryFolder
  const [port, webSocketPort] = [yield* freePort, yield* freePort]
  const config = join(folder, "server.conf")
  const webSocket = `websocket { listen: "127.0.0.1:${webSocketPort}", no_tls: true }`
  writeFileSync(config, `listen: "127.0.0.1:${port}"\nmax_payload: 1MB\nmax_pending: 256MB\n${webSocket}\n`)
  const child = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      const started = spawn(binary, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] })
      started.stderr.on("data", (text: Buffer) => {
        if (text.includes("Server is ready")) resume(Effect.succeed(started))
      })
      started.on("error", (error) => resume(Effect.die(error)))
    }),
    (started) =>
      Effect.callback<void>((resume) => {
        started.once("exit", () => resume(Effect.void))
        started.kill("SIGKILL")
      })
  )
  const fields = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, "utf8").split(" ").map(Number)
  const taken = Effect.sync(() => {
    const [user = 0, system = 0] = fields("stat").slice(13, 15)
    return { rss: (fields("statm")[1] ?? 0) * PAGE_BYTES, heap: 0, cpu: (user + system) * TICK_MICROS }
  })
  return { url: `nats://127.0.0.1:${port}`, webSocketPort, taken }
})

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = address !== null && typeof address === "object" ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})
