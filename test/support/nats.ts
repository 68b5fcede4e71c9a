// A real nats-server for tests: its own port, its own store, stopped and deleted when the test is over.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { type EmbeddedError, type EmbeddedNats, type EmbeddedOptions, embeddedNats } from "../../server/nats-server.ts"

export type TestServerOptions = Omit<EmbeddedOptions, "dataDir">

/** A folder that is deleted when the scope closes. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "conclave-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/**
 * Starts a nats-server for the scope. It waits on the real clock, also under a test clock.
 *
 * Unless `syncInterval` says otherwise it does not wait for the disk: tests do not pull the plug.
 */
export const natsServer = (options: TestServerOptions = {}): Effect.Effect<EmbeddedNats, EmbeddedError, Scope.Scope> =>
  Effect.gen(function* () {
    const dataDir = yield* temporaryFolder
    return yield* embeddedNats({ binary: process.env.NATS_SERVER, syncInterval: "2m", ...options, dataDir })
  }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

/** The nats-server of a block of tests: `layer(NatsServer.layer)("…", (it) => …)`. */
export class NatsServer extends Context.Service<NatsServer, EmbeddedNats>()("conclave/test/NatsServer") {
  static readonly layer = Layer.effect(this, natsServer())
  static readonly layerWith = (options: TestServerOptions) => Layer.effect(this, natsServer(options))
}
