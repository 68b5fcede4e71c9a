// The embedded NATS server: one nats-server of our own, on one data folder, for as long as a scope is open.
import { chmodSync, mkdirSync, readFileSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { type Duration, Effect, Exit, Latch, Schedule, Schema, Scope } from "effect"
import { findNatsServer, OLDEST } from "../setup/nats-server.mjs"
import { type DataFolderInUse, type DataFolderUnusable, onDisk, useDataFolder } from "./data-folder.ts"
import {
  configFile,
  logFile,
  type NatsProcess,
  type NatsServerFailed,
  type PortTaken,
  type ProcessOptions,
  pidFile,
  readAddress,
  startProcess
} from "./nats-process.ts"

/** There is no nats-server that can be started; the sentence says what to do. */
export class NatsServerMissing extends Schema.TaggedError<NatsServerMissing>()("NatsServerMissing", {
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

export interface EmbeddedOptions {
  /** Where the server keeps everything. Made if it does not exist. */
  readonly dataDir: string
  /** The port on 127.0.0.1; a free one unless given. */
  readonly port?: number | undefined
  /** The nats-server program; without it the set-up's order of search. */
  readonly binary?: string | undefined
  /** The port of the HTTP monitoring on 127.0.0.1; none unless given. */
  readonly monitorPort?: number | undefined
  /**
   * `always` (the default): confirmed means on the disk. Otherwise how often the server writes to the disk, such as
   * `2m`, which is its own default: faster, and a power failure loses what came since.
   */
  readonly syncInterval?: string | undefined
  /** How much the server may store, such as `4MB`; as much as the disk has, unless given. */
  readonly maxFileStore?: string | undefined
  /** Who does not know it may do nothing, letters and digits; without one, whoever reaches the port may do everything. */
  readonly password?: string | undefined
  /** How long it may do nothing before it is ready; 10 seconds unless given. A server that reads a large store is at work. */
  readonly patience?: Duration.Input | undefined
  /** The data folder is removed where our process ends without stopping the server. */
  readonly temporary?: boolean
}

export interface EmbeddedNats extends NatsProcess {
  readonly version: string
  readonly logFile: string
  /** Stops the server and starts it again on its port and store, and waits until it answers. Clients reconnect by themselves. */
  readonly restart: Effect.Effect<void, NatsServerFailed | PortTaken | DataFolderUnusable>
}

export type EmbeddedError = NatsServerMissing | NatsServerFailed | PortTaken | DataFolderInUse | DataFolderUnusable

export const findBinary = (name: string | undefined) =>
  Effect.suspend(() => {
    const found = findNatsServer({ name })
    if (found.path !== undefined && found.version !== undefined) {
      return Effect.succeed({ binary: found.path, version: found.version })
    }
    const none = `there is no nats-server ${OLDEST} or newer: put one on the PATH, or name it in NATS_SERVER`
    return Effect.fail(new NatsServerMissing({ detail: found.problem ?? none }))
  })

const readText = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Whether the process is a nats-server on this folder: its command line names our file, so it is not just any process. */
const runsOn = (folder: string, pid: number): boolean =>
  readText(`/proc/${pid}/cmdline`).split("\0").includes(configFile(folder))

/** The pid of the nats-server that runs on this folder. */
const serverOn = (folder: string): number | undefined => {
  const pid = Number(readText(pidFile(folder)).trim())
  return Number.isInteger(pid) && pid > 1 && runsOn(folder, pid) ? pid : undefined
}

/** The address of the nats-server that `conclave up` runs on a data folder, with its password; nothing if none runs there. */
export const runningServer = (dataDir: string): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const folder = join(yield* Effect.try(() => realpathSync(dataDir)), "nats")
    const pid = serverOn(folder)
    return pid === undefined ? undefined : yield* readAddress(folder, pid)
  }).pipe(Effect.orElseSucceed(() => undefined))

const signal = (pid: number, name: "SIGTERM" | "SIGKILL") =>
  Effect.sync(() => {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended in the meantime, which is what we want.
    }
  })

const gone = (folder: string, pid: number) =>
  Effect.suspend(() => (runsOn(folder, pid) ? Effect.fail("alive" as const) : Effect.void)).pipe(
    Effect.retry(Schedule.spaced("50 millis")),
    // Asked again for ever, so that no failure is left.
    Effect.orDie
  )

/**
 * Stops the server that a process of ours left behind when it was killed. We hold the folder's lock, so nobody uses it.
 */
const stopOrphan = (folder: string) =>
  Effect.gen(function* () {
    const pid = serverOn(folder)
    if (pid === undefined) return
    yield* Effect.logInfo("nats-server of an earlier run is being stopped").pipe(Effect.annotateLogs({ pid }))
    yield* signal(pid, "SIGTERM")
    yield* gone(folder, pid).pipe(
      Effect.timeoutOrElse({
        duration: "10 seconds",
        orElse: () => Effect.andThen(signal(pid, "SIGKILL"), gone(folder, pid))
      })
    )
  })

/**
 * Starts a nats-server with JetStream on a data folder, waits until it answers, and stops it when the scope closes.
 *
 * Only this process uses the folder meanwhile. What a killed process of ours left behind there, a lock or a running
 * server, is cleared away first. The server ends with this process, however that ends. If the server ends by itself, `exited` of the result completes with the reason.
 */
export const embeddedNats = (options: EmbeddedOptions): Effect.Effect<EmbeddedNats, EmbeddedError, Scope.Scope> =>
  Effect.gen(function* () {
    const { binary, version } = yield* findBinary(options.binary)
    const data = yield* useDataFolder(options.dataDir)
    const folder = join(data, "nats")
    yield* onDisk(data, () => {
      mkdirSync(folder, { recursive: true })
      // Also one of an earlier version: what is stored is nobody else's business.
      chmodSync(folder, 0o700)
    })
    yield* stopOrphan(folder)
    const server = yield* keepProcess({
      binary,
      folder,
      port: options.port,
      monitorPort: options.monitorPort,
      syncInterval: options.syncInterval ?? "always",
      maxFileStore: options.maxFileStore,
      password: options.password,
      patience: options.patience,
      throwaway: options.temporary === true ? data : undefined
    })
    return { ...server, version, logFile: logFile(folder) }
  })

/** A server that can be started anew. `exited` tells of the end that was not asked for. */
const keepProcess = (options: ProcessOptions) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const launch = Effect.fnUntraced(function* (port: number | undefined) {
      const life = yield* Scope.fork(scope)
      return { server: yield* Scope.provide(startProcess({ ...options, port }), life), life }
    })
    const first = yield* launch(options.port)
    let current = first
    let failure: string | undefined
    /** Open while no restart is under way. */
    const settled = Latch.makeUnsafe(true)
    const restart = Effect.gen(function* () {
      settled.closeUnsafe()
      yield* Scope.close(current.life, Exit.void)
      current = yield* launch(first.server.port)
    }).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => (failure = message))),
      Effect.ensuring(settled.open),
      Effect.uninterruptible
    )
    const exited: Effect.Effect<string> = Effect.suspend(() => {
      const { server } = current
      return Effect.flatMap(server.exited, (reason) =>
        settled.isOpen() && server === current.server
          ? Effect.succeed(failure ?? reason)
          : Effect.andThen(settled.await, exited)
      )
    })
    return { ...first.server, exited, restart }
  })
