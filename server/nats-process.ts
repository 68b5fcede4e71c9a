// One nats-server as a child process: its configuration file, its start, its end.
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createConnection } from "node:net"
import { join } from "node:path"
import { Console, Deferred, Duration, Effect, Option, Schedule, Schema, type Scope } from "effect"
import { type DataFolderUnusable, onDisk } from "./data-folder.ts"
import { folderBytes, sizeText } from "./data-size.ts"
import { environmentWith } from "./environment.ts"
import { type ParentWatch, watchParent } from "./parent-watch.ts"
import { worked, workOf } from "./server-progress.ts"

/** A nats-server did not start, and will not if it is only tried again; `lines` are the last ones it logged. */
export class NatsServerFailed extends Schema.TaggedError<NatsServerFailed>()("NatsServerFailed", {
  detail: Schema.String,
  lines: Schema.Array(Schema.String)
}) {
  override get message() {
    return [`nats-server did not start: ${this.detail}`, ...this.lines.map((line) => `  ${line}`)].join("\n")
  }
}

/** Another program has the port that nats-server was told to listen on. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", { port: Schema.Int }) {
  override get message() {
    return `port ${this.port} is taken by another program: choose another one`
  }
}

export interface ProcessOptions {
  readonly binary: string
  /** Everything of the server is in here: configuration, log, pid and store. It exists. */
  readonly folder: string
  /** A free one is taken unless given. */
  readonly port: number | undefined
  /** HTTP monitoring, off unless given. */
  readonly monitorPort: number | undefined
  /** `always`: every write is on the disk before it is confirmed. Else how often the disk is written to. */
  readonly syncInterval: string
  /** How much it may store, such as `4MB`; as much as the disk has, unless given. */
  readonly maxFileStore: string | undefined
  /** Who does not know it may do nothing. Without one, whoever reaches the port may do everything. */
  readonly password: string | undefined
  /** How long it may do nothing before it is ready; 10 seconds unless given. */
  readonly patience?: Duration.Input | undefined
  /** A folder that is removed where our process ends without stopping the server. */
  readonly throwaway?: string | undefined
}

export interface NatsProcess {
  /** With user and password, where it has one. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Completes with the reason when the server has ended, by itself or because it was told to. */
  readonly exited: Effect.Effect<string>
}

/** A server that does nothing for so long will not be ready: one that reads a large store is at work. */
const START_PATIENCE = "10 seconds"
const SAY_EVERY = "5 seconds"
/** Beyond this the server frees what it needs no more before it takes more. */
const MEMORY = "512MiB"
/**
 * What it may leave about beside what it holds before it frees that. Each read of older messages unpacks a block of eight megabytes: at the
 * usual 100 it took twice as much memory as at 50, and no less processor.
 */
const GARBAGE_PERCENT = "50"
const STOP_GRACE = "10 seconds"
const POLL = "20 millis"
const LINES_SHOWN = 8

export const configFile = (folder: string) => join(folder, "server.conf")
export const pidFile = (folder: string) => join(folder, "server.pid")
export const logFile = (folder: string) => join(folder, "server.log")
/** The password alone, for who may read it: this user. */
export const passwordFile = (folder: string) => join(folder, "password")

const USER = "conclave"

// A port of -1 makes the server take a free one and write it into a file: unlike a port that we would look for
// ourselves, nobody can take it in between.
const configText = (options: ProcessOptions): string => `# Written by conclave at every start; changes are lost.
server_name: "conclave-${process.pid}"
listen: "127.0.0.1:${options.port ?? -1}"
${options.monitorPort === undefined ? "" : `http: "127.0.0.1:${options.monitorPort}"\n`}max_payload: 1MB
ping_interval: "10s"
ping_max: 2
${options.password === undefined ? "" : `authorization { user: ${USER}, password: ${JSON.stringify(options.password)} }\n`}pid_file: ${JSON.stringify(pidFile(options.folder))}
ports_file_dir: ${JSON.stringify(options.folder)}
log_file: ${JSON.stringify(logFile(options.folder))}
logfile_size_limit: 16MB
logfile_max_num: 3
jetstream {
  store_dir: ${JSON.stringify(join(options.folder, "store"))}
  sync_interval: ${options.syncInterval}
${options.maxFileStore === undefined ? "" : `  max_file_store: ${options.maxFileStore}\n`}}
`

interface Child {
  readonly process: ChildProcess
  readonly pid: number
  readonly ended: Deferred.Deferred<string>
  /** What it printed before it had a log file, and a panic at its end. */
  readonly printed: () => string
  readonly watch: ParentWatch
}

const PRINTED_MAX = 16_384

const launch = (options: ProcessOptions) =>
  Effect.callback<Child, NatsServerFailed>((resume) => {
    // Its own process group: a Ctrl-C in the terminal is for us, and we still need the server to stop in order.
    const child = spawn(options.binary, ["-c", configFile(options.folder)], {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: environmentWith({ GOMEMLIMIT: MEMORY, GOGC: GARBAGE_PERCENT })
    })
    const ended = Deferred.makeUnsafe<string>()
    let printed = ""
    child.stderr.on("data", (chunk) => {
      printed = `${printed}${chunk}`.slice(-PRINTED_MAX)
    })
    // Should our process end without closing its scopes, this tells the server to stop where nothing watches.
    const backstop = () => child.kill("SIGTERM")
    process.on("exit", backstop)
    child.on("error", (error) => {
      process.off("exit", backstop)
      resume(Effect.fail(new NatsServerFailed({ detail: error.message, lines: [] })))
    })
    child.on("close", (code, signal) => {
      process.off("exit", backstop)
      const reason = signal === null ? `nats-server ended with exit code ${code}` : `nats-server was ended by ${signal}`
      Deferred.doneUnsafe(ended, Effect.succeed(reason))
    })
    child.on("spawn", () => {
      if (child.pid === undefined) return
      const { pid } = child
      const watch = watchParent({ pid, mark: configFile(options.folder), throwaway: options.throwaway })
      resume(Effect.succeed({ process: child, pid, ended, printed: () => printed, watch }))
    })
  })

const stop = (child: Child) => Effect.andThen(stopServer(child), child.watch.end)

const stopServer = (child: Child) =>
  Effect.gen(function* () {
    child.process.kill("SIGTERM")
    const ended = yield* Deferred.await(child.ended).pipe(Effect.timeoutOption(STOP_GRACE))
    if (Option.isSome(ended)) return
    yield* Effect.logWarning("nats-server did not stop and was killed").pipe(Effect.annotateLogs({ pid: child.pid }))
    child.process.kill("SIGKILL")
    yield* Deferred.await(child.ended)
  })

const Ports = Schema.fromJsonString(Schema.Struct({ nats: Schema.NonEmptyArray(Schema.String) }))

/**
 * The address it wrote into its ports file, which carries the pid, so that it cannot be another server's; with user and
 * password, where it has one that this user may read.
 */
export const readAddress = (folder: string, pid: number) =>
  Effect.try({
    try: () => readFileSync(join(folder, `nats-server_${pid}.ports`), "utf8"),
    catch: () => "not yet"
  }).pipe(
    Effect.flatMap((text) => Schema.decodeUnknownEffect(Ports)(text)),
    Effect.map((ports) => withPassword(ports.nats[0], readPassword(folder)))
  )

const readPassword = (folder: string): string | undefined => {
  try {
    return readFileSync(passwordFile(folder), "utf8")
  } catch {
    return undefined
  }
}

const withPassword = (url: string, password: string | undefined): string =>
  password === undefined ? url : url.replace("://", `://${USER}:${password}@`)

/** Connects and waits for the greeting of a NATS server. */
const greeting = (port: number) =>
  Effect.callback<void, string>((resume) => {
    const socket = createConnection({ host: "127.0.0.1", port })
    socket.on("error", (error) => resume(Effect.fail(error.message)))
    socket.on("close", () => resume(Effect.fail("closed")))
    socket.once("data", (data) =>
      resume(data.toString("latin1").startsWith("INFO ") ? Effect.void : Effect.fail("not NATS"))
    )
    return Effect.sync(() => socket.destroy())
  })

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** The last lines of this start: of the log file from where it was, or else of what was printed. */
const lastLines = (folder: string, from: number, printed: string): ReadonlyArray<string> => {
  const logged = sizeOf(logFile(folder)) > 0 ? readFileSync(logFile(folder)).subarray(from).toString("utf8") : ""
  const lines = `${logged}\n${printed}`.split("\n").filter((line) => line.trim() !== "")
  return lines.slice(-LINES_SHOWN)
}

const awaitReady = (options: ProcessOptions, child: Child, logFrom: number) =>
  Effect.gen(function* () {
    const lines = () => lastLines(options.folder, logFrom, child.printed())
    const failure = (detail: string) => {
      const taken = options.port !== undefined && lines().some((line) => line.includes("address already in use"))
      return taken && options.port !== undefined
        ? new PortTaken({ port: options.port })
        : new NatsServerFailed({ detail, lines: lines() })
    }
    const ready = readAddress(options.folder, child.pid).pipe(
      Effect.tap((url) => greeting(Number(new URL(url).port))),
      Effect.retry(Schedule.spaced(POLL)),
      // Tried again for ever, so that no failure is left but the deadline.
      Effect.orDie
    )
    const patience = Duration.fromInputUnsafe(options.patience ?? START_PATIENCE)
    const idle = Effect.gen(function* () {
      let before = workOf(child.pid)
      for (;;) {
        yield* Effect.sleep(patience)
        const now = workOf(child.pid)
        if (!worked(before, now))
          return yield* Effect.fail(
            failure(`it is not ready, and did nothing for ${Duration.toSeconds(patience)} seconds`)
          )
        before = now
      }
    })
    const died = Deferred.await(child.ended).pipe(Effect.flatMap((reason) => Effect.fail(failure(reason))))
    return yield* Effect.raceAllFirst([ready, died, idle, sayRecovery(options.folder)])
  })

/** What it does may take minutes where much is stored. */
const sayRecovery = (folder: string): Effect.Effect<never> =>
  Effect.suspend(() =>
    Console.error(`nats-server reads what is stored, ${sizeText(folderBytes(join(folder, "store")))} …`)
  ).pipe(Effect.delay(SAY_EVERY), Effect.forever)

/** Writes the configuration, for this user alone, and removes the pid of an earlier server. */
const prepareFiles = (options: ProcessOptions) =>
  onDisk(options.folder, () => {
    const { folder, password } = options
    for (const file of [pidFile, configFile, passwordFile]) rmSync(file(folder), { force: true })
    writeFileSync(configFile(folder), configText(options), { mode: 0o600 })
    if (password !== undefined) writeFileSync(passwordFile(folder), password, { mode: 0o600 })
    return sizeOf(logFile(folder))
  })

/**
 * Starts a nats-server and waits until it answers, for as long as it is at work. It is stopped when the scope closes: asked
 * to, and killed if it has not ended 10 seconds later.
 */
export const startProcess = (
  options: ProcessOptions
): Effect.Effect<NatsProcess, NatsServerFailed | PortTaken | DataFolderUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    const logFrom = yield* prepareFiles(options)
    const child = yield* Effect.acquireRelease(launch(options), stop)
    const url = yield* awaitReady(options, child, logFrom)
    return { url, port: Number(new URL(url).port), pid: child.pid, exited: Deferred.await(child.ended) }
  })
