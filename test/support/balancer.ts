// A TCP balancer: each connection goes to one of some ports, and some get cut.
import { createConnection, createServer, type Server, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

export interface Balancer {
  readonly port: number
  /** Where new connections go, in turn. */
  readonly setTargets: (ports: ReadonlyArray<number>) => void
  /** Cuts the connections for which it says so; it is asked of each. @returns how many */
  readonly cut: (chosen?: () => boolean) => number
}

/** Opens the balancer for the scope. */
export const balancer: Effect.Effect<Balancer, never, Scope.Scope> = Effect.gen(function* () {
  let targets: ReadonlyArray<number> = []
  let turn = 0
  const open = new Set<Socket>()
  const join = (near: Socket) => {
    const far = createConnection({ host: "127.0.0.1", port: targets[turn++ % targets.length] ?? 1 })
    open.add(near)
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      one.on("error", () => one.destroy())
      one.on("close", () => {
        other.destroy()
        open.delete(near)
      })
    }
    near.pipe(far).pipe(near)
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const made = createServer(join)
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) => Effect.sync(() => made.close())
  )
  const cut = (chosen: () => boolean = () => true) => {
    const some = [...open].filter(chosen)
    for (const socket of some) socket.destroy()
    return some.length
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => cut()))
  const address = server.address()
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    setTargets: (ports) => {
      targets = ports
    },
    cut
  }
})
