// The NATS server that a process uses, and how it lets go of what runs on it.
import { randomBytes } from "node:crypto"
import { Deferred, Effect, Exit, Fiber, Schema, Scope } from "effect"
import { type EmbeddedError, embeddedNats } from "./nats-server.ts"
import { Storage } from "./storage.ts"

/** A NATS server to use. */
export interface Server {
  readonly url: string
  /** Fails once the server is gone for good; one that is not ours never is. */
  readonly gone: Effect.Effect<never, Error>
  /** Known to write to the disk before it confirms; of one that is not ours it is not known. */
  readonly syncAlways: boolean | undefined
  /** Of one that is ours: what is done when it stores nothing. */
  readonly storage?: Storage
}

const PASSWORD_BYTES = 24

/** A server that is not ours. */
export const namedServer = (url: string): Server => ({ url, gone: Effect.never, syncAlways: undefined })

export interface OpenOptions {
  /** The nats-server program; without it the set-up's order of search. */
  readonly natsServer: string | undefined
  /** What is stored is thrown away at the end: it need not be on the disk before it is confirmed. */
  readonly temporary?: boolean
}

/** The server that is named, or else one of our own on the data folder, until the scope closes. */
export const openServer = (
  { natsServer, temporary = false }: OpenOptions,
  url: string | undefined,
  dataDir: string
): Effect.Effect<Server, EmbeddedError, Scope.Scope> =>
  Effect.gen(function* () {
    if (url !== undefined) return namedServer(url)
    // Another user of this machine reaches loopback as well. A new one each time: none is left that still holds.
    const password = randomBytes(PASSWORD_BYTES).toString("hex")
    const server = yield* embeddedNats({
      dataDir,
      binary: natsServer,
      password,
      temporary,
      syncInterval: temporary ? "2m" : "always"
    })
    const gone = Effect.flatMap(server.exited, (reason) =>
      Effect.fail(new Error(`the NATS server has ended: ${reason}; its log is ${server.logFile}`))
    )
    return { url: server.url, gone, syncAlways: temporary ? undefined : true, storage: new Storage(dataDir, server) }
  })

/** Something did not come to its end and was left behind, which happens where a NATS server is gone. */
export class StopTimeout extends Schema.TaggedError<StopTimeout>()("StopTimeout", {}) {
  override get message() {
    return `not everything stopped in order within ${STOP_GRACE}`
  }
}

const STOP_GRACE = "10 seconds"
/** Without its server, or a disk, a system cannot hand anything over. */
const STOP_GRACE_ALONE = "1 second"

/**
 * Runs parts of a system in a scope of their own, and closes that. What does not stop is waited for no longer than 10
 * seconds, or one second once the server is gone or stores nothing, and then left to the end of the process.
 *
 * Fails with `StopTimeout` if that happened and nothing else went wrong.
 */
export const withParts = <A, E, R>(
  server: Server,
  use: Effect.Effect<A, E, R>
): Effect.Effect<A, E | StopTimeout, Exclude<R, Scope.Scope>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const exit = yield* restore(Scope.provide(use, scope)).pipe(Effect.exit)
      const inTime = yield* closeParts(server, scope, exit)
      if (!inTime && Exit.isSuccess(exit)) return yield* new StopTimeout()
      return yield* exit
    })
  )

/** Closes the scope of parts as `withParts` does, and says whether all stopped in time. */
export const closeParts = (
  server: Server,
  scope: Scope.Closeable,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const stopped = yield* Deferred.make<boolean>()
    const useless = server.storage?.failed === undefined ? Effect.exit(server.gone) : Effect.void
    const alone = Effect.andThen(useless, Effect.sleep(STOP_GRACE_ALONE))
    const deadline = Effect.raceFirst(Effect.sleep(STOP_GRACE), alone)
    // In fibers of their own: this one may have been interrupted, and could not wait with a limit.
    const tell = (inTime: boolean) => Deferred.succeed(stopped, inTime)
    yield* Effect.forkDetach(Effect.ensuring(Scope.close(scope, exit), tell(true)))
    const timer = yield* Effect.forkDetach(Effect.andThen(deadline, tell(false)))
    const inTime = yield* Deferred.await(stopped)
    yield* Fiber.interrupt(timer)
    return inTime
  })
