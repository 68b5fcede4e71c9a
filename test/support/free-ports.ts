import { createServer } from "node:net"
import { Effect } from "effect"

const open = Effect.callback<ReturnType<typeof createServer>>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
})

/** Ports of 127.0.0.1 that nobody listens on. */
export const freePorts = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.gen(function* () {
    const servers = yield* Effect.all(Array.from({ length: count }, () => open))
    const ports = servers.map((server) => {
      const address = server.address()
      return typeof address === "object" ? (address?.port ?? 0) : 0
    })
    for (const server of servers) server.close()
    return ports
  })
