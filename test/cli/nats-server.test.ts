import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { type ConnectionOptions, connect } from "@nats-io/transport-node"
import { Effect, Exit, Option, Schedule, Scope } from "effect"
import { parseServers } from "../../runtime/nats/address.ts"
import { useDataFolder } from "../../server/data-folder.ts"
import { embeddedNats, runningServer } from "../../server/nats-server.ts"
import { isAlive } from "../support/alive.ts"
import { NatsServer, natsServer, temporaryFolder } from "../support/nats.ts"

const connecting = (options: ConnectionOptions) =>
  Effect.acquireRelease(
    Effect.tryPromise(() => connect(options)),
    (nc) => Effect.promise(() => nc.close())
  )

const connection = (url: string) => Effect.orDie(connecting({ servers: url }))

const streamCount = (url: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const nc = yield* connection(url)
      const manager = yield* Effect.promise(() => jetstreamManager(nc))
      return (yield* Effect.promise(() => manager.getAccountInfo())).streams
    })
  )

const addStream = (url: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const nc = yield* connection(url)
      const manager = yield* Effect.promise(() => jetstreamManager(nc))
      yield* Effect.promise(() => manager.streams.add({ name: "KEPT", subjects: ["kept"] }))
    })
  )

const until = (condition: () => boolean) =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeout("10 seconds")
  )

/** A port that another program listens on while the scope is open. */
const takenPort = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(
  Effect.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  })
)

layer(NatsServer.layer)("the server of the tests", (it) => {
  it.effect("answers with JetStream, under a test clock too", () =>
    Effect.gen(function* () {
      const { url, port, version } = yield* NatsServer
      assert.strictEqual(url, `nats://127.0.0.1:${port}`)
      assert.match(version, /^\d+\.\d+\.\d+$/)
      assert.strictEqual(yield* streamCount(url), 0)
    })
  )
})

describe("embedded nats-server", () => {
  it.live("is stopped and its temporary store deleted when the scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* natsServer().pipe(Scope.provide(scope))
      assert.isTrue(isAlive(server.pid))
      assert.isTrue(existsSync(server.logFile))
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(isAlive(server.pid))
      assert.isFalse(existsSync(server.logFile))
    })
  )

  it.live("keeps what was stored for the next start, and syncs always unless told otherwise", () =>
    Effect.gen(function* () {
      const dataDir = join(yield* temporaryFolder, 'a "new" folder')
      yield* Effect.scoped(Effect.flatMap(embeddedNats({ dataDir }), ({ url }) => addStream(url)))
      const { url } = yield* embeddedNats({ dataDir })
      assert.strictEqual(yield* streamCount(url), 1)
      for (const line of ["sync_interval: always", 'ping_interval: "10s"', "ping_max: 2"]) {
        assert.include(readFileSync(join(dataDir, "nats", "server.conf"), "utf8"), line)
      }
    })
  )

  it.live(
    "lets nobody in without its password, which only its user can read, and has another one at the next start",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* temporaryFolder
        const used = yield* Effect.scoped(
          Effect.gen(function* () {
            const { url, restart } = yield* embeddedNats({ dataDir, password: "opensesame" })
            assert.strictEqual(yield* runningServer(dataDir), url)
            const { user, pass, servers } = parseServers(url)
            const as = (options: object) =>
              Effect.scoped(Effect.exit(connecting({ servers: [...servers], reconnect: false, ...options })))
            assert.isTrue(Exit.isFailure(yield* as({})))
            assert.isTrue(Exit.isFailure(yield* as({ user, pass: "other" })))
            assert.isTrue(Exit.isSuccess(yield* as({ user, pass })))
            yield* restart
            assert.isTrue(Exit.isSuccess(yield* as({ user, pass })))
            const folder = join(dataDir, "nats")
            assert.strictEqual(statSync(folder).mode & 0o777, 0o700)
            for (const file of ["server.conf", "password"]) {
              assert.strictEqual(statSync(join(folder, file)).mode & 0o777, 0o600, file)
            }
            return url
          })
        )
        yield* embeddedNats({ dataDir })
        assert.isFalse(existsSync(join(dataDir, "nats", "password")))
        assert.notInclude(yield* runningServer(dataDir), "opensesame")
        assert.include(used, "opensesame")
      })
  )

  it.live("is started again on its port and store when it is told to, and that is no end of it", () =>
    Effect.gen(function* () {
      const { url, exited, restart, logFile } = yield* natsServer()
      yield* addStream(url)
      yield* restart
      assert.strictEqual(yield* streamCount(url), 1)
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(exited, "100 millis")))
      const pid = Number(readFileSync(join(logFile, "..", "server.pid"), "utf8"))
      process.kill(pid, "SIGKILL")
      assert.strictEqual(yield* exited, "nats-server was ended by SIGKILL")
    })
  )

  it.live("has a process group of its own, so that a Ctrl-C in the terminal does not reach it", () =>
    Effect.gen(function* () {
      const { pid } = yield* natsServer()
      // The group must exist with the server's pid as its number.
      assert.doesNotThrow(() => process.kill(-pid, 0))
    })
  )

  it.live("says that a port is taken", () =>
    Effect.gen(function* () {
      const port = yield* takenPort
      const error = yield* Effect.flip(natsServer({ port }))
      assert.strictEqual(error._tag, "PortTaken")
      assert.strictEqual(error.message, `port ${port} is taken by another program: choose another one`)
    })
  )

  it.live("says which process uses the data folder", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      yield* useDataFolder(dataDir)
      const error = yield* Effect.flip(embeddedNats({ dataDir }))
      assert.strictEqual(error._tag, "DataFolderInUse")
      assert.include(error.message, `is in use by process ${process.pid}`)
    })
  )

  it.live("takes over the lock of a process that was killed", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      writeFileSync(join(dataDir, "lock"), "999999999 17\n")
      yield* Effect.scoped(useDataFolder(dataDir))
      // The same pid, but started at another time: a container gives every start the same pid.
      writeFileSync(join(dataDir, "lock"), `${process.pid} 17\n`)
      yield* Effect.scoped(useDataFolder(dataDir))
      writeFileSync(join(dataDir, "lock"), "1 17\n")
      yield* useDataFolder(dataDir)
    })
  )

  it.live("says why a data folder cannot be used", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "file")
      writeFileSync(file, "")
      const inFile = yield* Effect.flip(embeddedNats({ dataDir: join(file, "data") }))
      assert.strictEqual(
        inFile.message,
        `the data folder ${file}/data cannot be used: a part of its path is not a folder`
      )
      const onFile = yield* Effect.flip(embeddedNats({ dataDir: file }))
      assert.strictEqual(onFile.message, `the data folder ${file} cannot be used: there is a file of that name`)
    })
  )

  it.live("says that a named program is missing or is no nats-server", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(natsServer({ binary: "/nowhere/nats-server" }))
      assert.strictEqual(error._tag, "NatsServerMissing")
      assert.strictEqual(error.message, "NATS_SERVER=/nowhere/nats-server: must be the path of a nats-server program")
    })
  )

  it.live("shows the last lines of a server that does not start", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      const binary = join(dataDir, "nats-server")
      const script =
        '#!/bin/sh\n[ "$1" = --version ] && echo "nats-server: v2.99.0" && exit\necho "the disk is on fire" >&2\nexit 3\n'
      writeFileSync(binary, script)
      chmodSync(binary, 0o755)
      const error = yield* Effect.flip(embeddedNats({ dataDir, binary }))
      const expected = "nats-server did not start: nats-server ended with exit code 3\n  the disk is on fire"
      assert.strictEqual(error.message, expected)
    })
  )

  it.live("tells when the server ends by itself", () =>
    Effect.gen(function* () {
      const { pid, exited } = yield* natsServer()
      process.kill(pid, "SIGKILL")
      assert.strictEqual(yield* exited, "nats-server was ended by SIGKILL")
    })
  )

  it.live("stops the server that a killed process left behind on the folder", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      const orphan = yield* startOrphan(dataDir)
      const { url, pid } = yield* embeddedNats({ dataDir })
      assert.isFalse(isAlive(orphan))
      assert.notStrictEqual(pid, orphan)
      assert.strictEqual(yield* streamCount(url), 0)
    })
  )

  it.live("leaves a process alone that has the pid of an earlier server by chance", () =>
    Effect.gen(function* () {
      const dataDir = yield* temporaryFolder
      const stranger = spawn("sleep", ["60"])
      yield* Effect.addFinalizer(() => Effect.sync(() => stranger.kill("SIGKILL")))
      mkdirSync(join(dataDir, "nats"))
      writeFileSync(join(dataDir, "nats", "server.pid"), `${stranger.pid}`)
      yield* embeddedNats({ dataDir })
      assert.isTrue(isAlive(stranger.pid ?? 0))
    })
  )
})

/** Starts a system in a process of its own and kills that: its nats-server, whose pid this gives, may still run. */
const startOrphan = (dataDir: string) =>
  Effect.gen(function* () {
    const program = join(import.meta.dirname, "..", "support", "embedded.ts")
    const owner = spawn(process.execPath, [program, dataDir], { stdio: "inherit" })
    const pidFile = join(dataDir, "nats", "server.pid")
    yield* until(() => existsSync(join(dataDir, "ready")))
    const orphan = Number(readFileSync(pidFile, "utf8"))
    yield* Effect.addFinalizer(() => Effect.sync(() => isAlive(orphan) && process.kill(orphan, "SIGKILL")))
    // With the process that would end it as soon as its parent has: it may be killed as well, or not be there.
    const children = readFileSync(`/proc/${owner.pid}/task/${owner.pid}/children`, "utf8").trim().split(" ").map(Number)
    for (const child of children) if (child !== orphan) process.kill(child, "SIGKILL")
    owner.kill("SIGKILL")
    yield* until(() => !isAlive(owner.pid ?? 0))
    assert.isTrue(isAlive(orphan))
    return orphan
  })
