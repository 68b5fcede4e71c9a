// Servers that die and networks that fail, for tests of who survives that.
import { createConnection, createServer, type Server, type Socket } from "node:net"
import { Effect, Exit, Schedule, Scope } from "effect"
import { embeddedNats } from "../../server/nats-server.ts"
import { temporaryFolder } from "./nats.ts"

/** A nats-server that can be killed and started again on its port and store. */
export const killableServer = Effect.gen(function* () {
  const dataDir = yield* temporaryFolder
  let scope = yield* Scope.make()
  const start = (port: number | undefined) =>
    embeddedNats({ binary: process.env.NATS_SERVER, syncInterval: "2m", port, dataDir }).pipe(
      Scope.provide(scope),
      Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "5 seconds" })))
    )
  let server = yield* start(undefined)
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const killAndStart = Effect.gen(function* () {
    process.kill(server.pid, "SIGKILL")
    yield* server.exited
    yield* Scope.close(scope, Exit.void)
    scope = yield* Scope.make()
    server = yield* start(server.port)
  })
  return { url: server.url, killAndStart }
})

/** A way to a port that can be cut and mended. */
export const cuttable = (port: number) =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    let open = true
    const listener = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const made = createServer((near) => {
          const far = createConnection({ host: "127.0.0.1", port })
          for (const socket of [near, far]) {
            sockets.add(socket)
            socket.on("error", () => socket.destroy())
          }
          near.pipe(far).pipe(near)
          if (!open) near.destroy()
        })
        made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
      }),
      (made) => Effect.sync(() => made.close())
    )
    const cut = () => {
      open = false
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
    yield* Effect.addFinalizer(() => Effect.sync(cut))
    const address = listener.address()
    const own = address !== null && typeof address === "object" ? address.port : 0
    const mend = () => {
      open = true
    }
    return { url: `nats://127.0.0.1:${own}`, cut, mend }
  })
