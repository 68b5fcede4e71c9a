import { Effect } from "effect"
import { natsServer } from "../test/support/nats.ts"
import { openNamespace } from "../test/support/nats-gateway.ts"
import { openClients } from "./gateway/clients.ts"
import { fullSpeed, type Latency, latencyAt } from "./gateway/load.ts"
import { type Server, startServer } from "./gateway/server.ts"
import { KINDS, type Kind } from "./gateway/wire.ts"
import type { Part } from "./part.ts"
import { type Aim, kibibytes, median, millis, printTable, ROUNDS, type Row, rate } from "./report.ts"

const COUNTS = [100, 5_000] as const
/** Memory is measured with this many. */
const IDLE = 5_000
const AIM_BARE = 1.3

/** What came of one server with so many clients. */
interface Found {
  readonly speed: number
  /** Microseconds of the server's processor time for each event that a client got. */
  readonly micros: number
  readonly latency: Latency
  /** Bytes of each connection that says nothing, with one subscription; measured once. */
  readonly idleBytes: number | undefined
}

/** Fan-out to WebSocket clients, beside those who do the same. */
export const gateway: Part = {
  name: "gateway",
  once: true,
  run: () =>
    Effect.gen(function* () {
      const tables = yield* Effect.forEach(COUNTS, (count) =>
        Effect.forEach(KINDS, (kind) => Effect.map(measure(kind, count), (found) => [kind, found] as const)).pipe(
          Effect.map((entries) => new Map(entries)),
          Effect.tap((found) => print(count, found))
        )
      )
      return tables.flatMap((found, index) => aimsOf(COUNTS[index] ?? 0, found))
    })
}

let namespaces = 0

const measure = (kind: Kind, count: number) =>
  Effect.gen(function* () {
    // A server of its own for each: what one of them has stored is no load for the next.
    const { url } = yield* natsServer()
    const namespace = `bench${process.pid}g${++namespaces}`
    yield* openNamespace(url, namespace)
    const server = yield* startServer(kind, url, namespace)
    const empty = (yield* server.taken).rss
    const clients = yield* openClients(kind, server.port, count)
    const idleBytes = count === IDLE ? (yield* settledRss(server)) - empty : undefined
    yield* fullSpeed(server, clients, count)
    const before = { cpu: (yield* server.taken).cpu, received: clients.received() }
    const speeds = yield* Effect.forEach(Array.from({ length: ROUNDS }), () => fullSpeed(server, clients, count))
    const speed = median(speeds)
    const micros = ((yield* server.taken).cpu - before.cpu) / (clients.received() - before.received)
    const latency = yield* latencyAt(server, clients, count, speed / count / 2)
    return { speed, micros, latency, idleBytes: idleBytes && idleBytes / count } satisfies Found
  }).pipe(Effect.scoped)

const settledRss = (server: Server) =>
  Effect.sleep("1 second").pipe(
    Effect.andThen(server.taken),
    Effect.map(({ rss }) => rss)
  )

const NAMES: { readonly [K in Kind]: string } = {
  gateway: "gateway",
  bare: "bare uWebSockets",
  ws: "ws",
  "socket.io": "Socket.IO",
  nats: "nats-server's WebSocket"
}

const print = (count: number, found: ReadonlyMap<Kind, Found>): Effect.Effect<void> =>
  printTable(
    `Fan-out to ${count.toLocaleString("en-US")} clients, each with one of three wildcard patterns that match all events of 200 bytes, published 20 at a time;\n` +
      "processor: time of the server's process for each that was delivered. Latency from publishing to receiving at half of that speed. Ratio: how fast it is beside bare uWebSockets, 1.00 is as fast",
    ["", "delivered", "ratio", "processor", "p50", "p99", "idle connection"],
    [...found].map(([kind, { speed, micros, latency, idleBytes }]): Row => {
      const bare = found.get("bare")?.speed ?? Number.NaN
      const idle = idleBytes === undefined ? "" : kibibytes(idleBytes)
      const [p50, p99] = [millis(latency.p50), millis(latency.p99)]
      return [NAMES[kind], rate(speed), (speed / bare).toFixed(2), `${micros.toFixed(2)} µs`, p50, p99, idle]
    })
  )

const aimsOf = (count: number, found: ReadonlyMap<Kind, Found>): ReadonlyArray<Aim> => {
  const speedOf = (kind: Kind) => found.get(kind)?.speed ?? Number.NaN
  const ours = speedOf("gateway")
  const clients = `${count.toLocaleString("en-US")} clients`
  const peers = (["ws", "socket.io", "nats"] as const).map((kind) => ({ kind, speed: speedOf(kind) }))
  return [
    ...peers.map(({ kind, speed }) => ({
      says: `fan-out to ${clients}: ahead of ${NAMES[kind]}`,
      value: `${(ours / speed).toFixed(2)} times`,
      met: ours > speed
    })),
    {
      says: `fan-out to ${clients}: within 1.3 times of bare uWebSockets`,
      value: `${(speedOf("bare") / ours).toFixed(2)} times`,
      met: speedOf("bare") / ours <= AIM_BARE
    }
  ]
}
