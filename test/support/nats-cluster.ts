// Three nats-servers with JetStream as one cluster, each a process of its own that can be killed, paused and started again.
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule, Schema, type Scope } from "effect"
import { findNatsServer } from "../../setup/nats-server.mjs"
import { temporaryFolder } from "./nats.ts"
import { PASSWORDS } from "./nats-users.ts"

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

/** What the servers of a cluster are started with. */
interface Deployment {
  /** The text of its configuration file. */
  readonly configOf: (member: Member, members: ReadonlyArray<Member>) => string
  /** Files that the configuration includes, by name. */
  readonly files?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
  /** How somebody connects who may ask where a stream is. */
  readonly login?: { readonly user: string; readonly pass: string; readonly inboxPrefix: string }
}

/** Starts a cluster for the scope, and waits until it can make streams. */
const openCluster = Effect.fnUntraced(function* (deployment: Deployment) {
  const folder = yield* temporaryFolder
  const ports = yield* freePorts(3 * SIZE)
  const members = Array.from({ length: SIZE }, (_, index) => ({
    name: `s${index + 1}`,
    folder: join(folder, `s${index + 1}`),
    client: ports[index * 3]!,
    route: ports[index * 3 + 1]!,
    monitor: ports[index * 3 + 2]!
  }))
  const servers = yield* Effect.forEach(members, (member) => clusterServer(deployment, member, members))
  yield* Effect.forEach(servers, (server) => server.start)
  const cluster: NatsCluster = {
    url: servers.map(({ url }) => url).join(","),
    servers,
    leaderOf: (stream: string) => named(servers, streamLeader(servers, stream, deployment.login)),
    metaLeader: named(servers, metaLeader(servers))
  }
  yield* cluster.metaLeader
  yield* Effect.forEach(servers, (server) => server.healthy)
  yield* retried(allThere(yield* cluster.metaLeader))
  return cluster
})

/** Three servers without users. */
export const natsCluster: Effect.Effect<NatsCluster, Error, Scope.Scope> = Effect.suspend(() =>
  openCluster({ configOf: configText })
)

const DOCKER = join(import.meta.dirname, "../../docker")

/** Those of docker/nats-cluster.conf, with its users, on addresses and in folders of this machine. A user's password is the first letter of its name. */
export const deployedCluster: Effect.Effect<NatsCluster, Error, Scope.Scope> = Effect.suspend(() => {
  const text = readFileSync(join(DOCKER, "nats-cluster.conf"), "utf8")
  return openCluster({
    configOf: (member, members) =>
      members.reduce(
        (given, { route }, index) => given.replace(`nats-${index + 1}:6222`, `127.0.0.1:${route}`),
        text
          .replace("0.0.0.0:4222", `127.0.0.1:${member.client}`)
          .replace("0.0.0.0:8222", `127.0.0.1:${member.monitor}`)
          .replace("0.0.0.0:6222", `127.0.0.1:${member.route}`)
          .replace('"/data"', JSON.stringify(join(member.folder, "store")))
      ),
    files: { "nats-users.conf": readFileSync(join(DOCKER, "nats-users.conf"), "utf8") },
    environment: PASSWORDS,
    login: { user: "node", pass: "n", inboxPrefix: "_INBOX.node.test" }
  })
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
  { configOf, files = {}, environment }: Deployment,
  member: Member,
  members: ReadonlyArray<Member>
): Effect.Effect<ClusterServer, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const { path } = findNatsServer({ name: process.env.NATS_SERVER })
    if (path === undefined) return yield* Effect.fail(new Error("there is no nats-server"))
    const config = join(member.folder, "server.conf")
    mkdirSync(member.folder, { recursive: true })
    writeFileSync(config, configOf(member, members))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(member.folder, name), text)
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
        const env = environment && { ...environment, SERVER_NAME: member.name }
        child = spawn(path, ["-c", config], { stdio: "ignore", ...(env && { env }) })
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

const Heard = Schema.Struct({
  meta_cluster: Schema.Struct({
    replicas: Schema.Array(Schema.Struct({ current: Schema.Boolean, offline: Schema.optionalKey(Schema.Boolean) }))
  })
})

/** The leader has heard of all the others: before that it makes no stream with three copies. */
const allThere = ({ monitor }: ClusterServer) =>
  Effect.flatMap(fetchJson(`${monitor}/jsz`, Heard), ({ meta_cluster: { replicas } }) =>
    replicas.length === SIZE - 1 && replicas.every(({ current, offline }) => current && offline !== true)
      ? Effect.void
      : Effect.fail("not yet")
  )

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

const streamLeader = (servers: ReadonlyArray<ClusterServer>, stream: string, login: Deployment["login"]) =>
  Effect.acquireUseRelease(
    Effect.tryPromise(() => connect({ servers: servers.map(({ url }) => url), timeout: 1_000, ...login })),
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
