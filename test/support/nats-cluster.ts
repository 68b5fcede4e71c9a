// Three nats-servers with JetStream as one cluster, each a process of its own that can be killed, paused and started again.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule, Schema, type Scope } from "effect"
import { findNatsServer } from "../../setup/nats-server.mjs"
import { temporaryFolder } from "./nats.ts"

export interface ClusterServer {
  readonly name: string
  readonly url: string
  readonly port: number
  /** Where its HTTP monitoring is. */
  readonly monitor: string
  /** `kill -9`. */
  readonly kill: Effect.Effect<void>
  /** Starts it again on its ports and store. Returns at once. */
  readonly start: Effect.Effect<void>
  /** SIGSTOP: it holds its connections, and is silent. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /** Waits until it has caught up with the others. */
  readonly healthy: Effect.Effect<void>
}

export interface NatsCluster {
  /** All three, with commas between them. */
  readonly url: string
  readonly servers: ReadonlyArray<ClusterServer>
  /** The server that leads a stream now. Waits while none does. */
  readonly leaderOf: (stream: string) => Effect.Effect<ClusterServer>
  /** The server that leads the cluster itself, which makes streams and consumers. Waits while none does. */
  readonly metaLeader: Effect.Effect<ClusterServer>
}

const SIZE = 3
const POLL = "50 millis"

/** Starts a cluster for the scope, and waits until it can make streams. */
export const natsCluster: Effect.Effect<NatsCluster, Error, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const ports = yield* freePorts(3 * SIZE)
  const members = Array.from({ length: SIZE }, (_, index) => ({
    name: `s${index + 1}`,
    folder: join(folder, `s${index + 1}`),
    client: ports[index * 3]!,
    route: ports[index * 3 + 1]!,
    monitor: ports[index * 3 + 2]!
  }))
  const servers = yield* Effect.forEach(members, (member) => clusterServer(member, members))
  yield* Effect.forEach(servers, (server) => server.start)
  const cluster = {
    url: servers.map(({ url }) => url).join(","),
    servers,
    leaderOf: (stream: string) => named(servers, streamLeader(servers, stream)),
    metaLeader: named(servers, metaLeader(servers))
  }
  yield* cluster.metaLeader
  yield* Effect.forEach(servers, (server) => server.healthy)
  return cluster
})

interface Member {
  readonly name: string
  readonly folder: string
  readonly client: number
  readonly route: number
  readonly monitor: number
}

const configText = (member: Member, members: ReadonlyArray<Member>): string => `
server_name: ${member.name}
listen: "127.0.0.1:${member.client}"
http: "127.0.0.1:${member.monitor}"
max_payload: 1MB
log_file: ${JSON.stringify(join(member.folder, "server.log"))}
jetstream {
  store_dir: ${JSON.stringify(join(member.folder, "store"))}
  # Without it a server that is killed forgets what it removed, and keys that expired come back with it.
  sync_interval: always
}
cluster {
  name: test
  # Clients stay on the addresses that they were given, which may be those of proxies.
  no_advertise: true
  listen: "127.0.0.1:${member.route}"
  routes: [${members.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(", ")}]
}
`

const clusterServer = (
  member: Member,
  members: ReadonlyArray<Member>
): Effect.Effect<ClusterServer, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const { path } = findNatsServer({ name: process.env.NATS_SERVER })
    if (path === undefined) return yield* Effect.fail(new Error("there is no nats-server"))
    const config = join(member.folder, "server.conf")
    mkdirSync(member.folder, { recursive: true })
    writeFileSync(config, configText(member, members))
    let child: ChildProcess | undefined
    const signal = (name: NodeJS.Signals) => Effect.sync(() => void child?.kill(name))
    const kill = Effect.callback<void>((resume) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
      child.kill("SIGKILL")
    })
    const backstop = () => void child?.kill("SIGKILL")
    process.on("exit", backstop)
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        kill,
        Effect.sync(() => process.off("exit", backstop))
      )
    )
    const monitor = `http://127.0.0.1:${member.monitor}`
    return {
      name: member.name,
      url: `nats://127.0.0.1:${member.client}`,
      port: member.client,
      monitor,
      kill,
      start: Effect.sync(() => {
        child = spawn(path, ["-c", config], { stdio: "ignore" })
      }),
      pause: signal("SIGSTOP"),
      resume: signal("SIGCONT"),
      healthy: retried(fetchJson(`${monitor}/healthz`, Healthy))
    }
  })

const retried = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A> =>
  effect.pipe(Effect.retry(Schedule.spaced(POLL).pipe(Schedule.upTo({ duration: "60 seconds" }))), Effect.orDie)

const fetchJson = <A>(url: string, schema: Schema.Codec<A, unknown>) =>
  Effect.tryPromise(async () => (await fetch(url, { signal: AbortSignal.timeout(1_000) })).json()).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(schema))
  )

const Healthy = Schema.Struct({ status: Schema.Literal("ok") })
const Led = Schema.Struct({ meta_cluster: Schema.Struct({ leader: Schema.String }) })

const named = (servers: ReadonlyArray<ClusterServer>, name: Effect.Effect<unknown, unknown>) =>
  name.pipe(
    Effect.flatMap((leader) => {
      const found = servers.find((server) => server.name === leader)
      return found === undefined ? Effect.fail("no leader") : Effect.succeed(found)
    }),
    retried
  )

const metaLeader = (servers: ReadonlyArray<ClusterServer>) =>
  Effect.firstSuccessOf(
    servers.map(({ monitor }) => Effect.map(fetchJson(`${monitor}/jsz`, Led), (jsz) => jsz.meta_cluster.leader))
  )

const streamLeader = (servers: ReadonlyArray<ClusterServer>, stream: string) =>
  Effect.acquireUseRelease(
    Effect.tryPromise(() => connect({ servers: servers.map(({ url }) => url), timeout: 1_000 })),
    (connection) =>
      Effect.tryPromise(async () => {
        const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 })
        return (await manager.streams.info(stream)).cluster?.leader
      }),
    (connection) => Effect.promise(() => connection.close())
  )

/** Ports that are free now. A server needs to know the others' before they run. */
const freePorts = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    const listeners = await Promise.all(
      Array.from({ length: count }, () => {
        const listener = createServer()
        return new Promise<typeof listener>((resolve) => listener.listen(0, "127.0.0.1", () => resolve(listener)))
      })
    )
    const ports = listeners.map((listener) => {
      const address = listener.address()
      return address !== null && typeof address === "object" ? address.port : 0
    })
    await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
    return ports
  })
