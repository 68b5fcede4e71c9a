import { Effect } from "effect"
import { http } from "../test/support/gateway.ts"
import { natsServer } from "../test/support/nats.ts"
import { openNamespace } from "../test/support/nats-gateway.ts"
import { type Clients, openClients } from "./gateway/clients.ts"
import { fullSpeed, type Latency, latencyAt } from "./gateway/load.ts"
import { type Server, startServer } from "./gateway/server.ts"
import type { Kind } from "./gateway/wire.ts"
import type { Part } from "./part.ts"
import {
  type Aim,
  kibibytes,
  median,
  millis,
  mustBe,
  pairedRatio,
  printTable,
  ROUNDS,
  type Row,
  rate
} from "./report.ts"

const COUNTS = [100, 5_000] as const
/** Memory is measured with this many more than there were. */
const IDLE = 5_000
/** As many are there before: what a server takes for its first clients is not for each. */
const FIRST = 50
const AIM_BARE = 1.3

const PEERS = ["bare", "ws", "socket.io", "nats"] as const
type Peer = (typeof PEERS)[number]

/** A server with its clients. */
interface Side {
  readonly kind: Kind
  readonly server: Server
  readonly clients: Clients
  readonly count: number
  /** Bytes of each connection that says nothing, with one subscription. */
  readonly idleBytes: number | undefined
}

/** One round at full speed. */
interface Round {
  /** Events that all clients together got in a second. */
  readonly speed: number
  /** Microseconds of the server's processor time for each event that a client got. */
  readonly micros: number
}

interface Found {
  readonly rounds: ReadonlyArray<Round>
  readonly latency: Latency
  readonly idleBytes: number | undefined
}

/** A peer, and what the gateway did in the rounds between its own. */
interface Compared extends Found {
  readonly kind: Peer
  readonly ours: ReadonlyArray<Round>
}

/** Fan-out to WebSocket clients, beside those who do the same. */
export const gateway: Part = {
  name: "gateway",
  once: true,
  run: () => Effect.map(Effect.forEach(COUNTS, measure), (aims) => aims.flat())
}

const measure = (count: number) =>
  Effect.gen(function* () {
    const ours = yield* openSide("gateway", count)
    yield* atFullSpeed(ours)
    const compared = yield* Effect.forEach(PEERS, (kind) => Effect.scoped(compare(ours, kind)))
    const rounds = compared.flatMap((peer) => peer.ours)
    yield* print(count, { rounds, latency: yield* latencyOf(ours, rounds), idleBytes: ours.idleBytes }, compared)
    yield* verifyAccount(ours)
    return aimsOf(count, compared)
  }).pipe(Effect.scoped)

let namespaces = 0

const openSide = (kind: Kind, count: number) =>
  Effect.gen(function* () {
    // A nats-server of its own for each: what one of them has stored is no load for the next.
    const { url } = yield* natsServer()
    const namespace = `bench${process.pid}g${++namespaces}`
    yield* openNamespace(url, namespace)
    const server = yield* startServer(kind, url, namespace)
    const idle = count === IDLE
    const first = openClients(kind, server.port, FIRST).pipe(Effect.andThen(settledRss(server)), Effect.scoped)
    const before = idle ? yield* first : 0
    const clients = yield* openClients(kind, server.port, count)
    const idleBytes = idle ? ((yield* settledRss(server)) - before) / count : undefined
    return { kind, server, clients, count, idleBytes } satisfies Side
  })

/** The gateway and a peer in turn, so that what else the machine does falls on both. */
const compare = (ours: Side, kind: Peer) =>
  Effect.gen(function* () {
    const peer = yield* openSide(kind, ours.count)
    yield* atFullSpeed(peer)
    const pairs = yield* Effect.forEach(Array.from({ length: ROUNDS }), () =>
      Effect.all([atFullSpeed(ours), atFullSpeed(peer)])
    )
    const rounds = pairs.map(([, theirs]) => theirs)
    const latency = yield* latencyOf(peer, rounds)
    const compared: Compared = { kind, rounds, latency, ours: pairs.map(([own]) => own), idleBytes: peer.idleBytes }
    return compared
  })

const atFullSpeed = ({ server, clients, count }: Side) =>
  Effect.gen(function* () {
    const [cpu, received] = [yield* server.cpu, clients.received()]
    const speed = yield* fullSpeed(server, clients, count)
    return { speed, micros: ((yield* server.cpu) - cpu) / (clients.received() - received) } satisfies Round
  })

const latencyOf = ({ server, clients, count }: Side, rounds: ReadonlyArray<Round>) =>
  latencyAt(server, clients, count, median(speeds(rounds)) / count / 2)

/** Every event that there was for a client went to it: the gateway's own account says so, and the clients. */
const verifyAccount = ({ server, clients }: Side) =>
  Effect.gen(function* () {
    const { text } = yield* http(server.port, "/metrics")
    const counted = (outcome: string) =>
      Number(new RegExp(`^conclave_gateway_events_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(text)?.[1])
    yield* mustBe("events that went to the clients of the gateway", counted("sent"), clients.received())
    yield* mustBe("events that there were for them", counted("produced"), clients.received())
  })

const settledRss = (server: Server) =>
  Effect.sleep("1 second").pipe(
    Effect.andThen(server.taken),
    Effect.map(({ rss }) => rss)
  )

const speeds = (rounds: ReadonlyArray<Round>) => rounds.map(({ speed }) => speed)
const micros = (rounds: ReadonlyArray<Round>) => rounds.map((round) => round.micros)

const NAMES: { readonly [K in Kind]: string } = {
  gateway: "gateway",
  bare: "bare uWebSockets",
  ws: "ws",
  "socket.io": "Socket.IO",
  nats: "nats-server's WebSocket"
}

const clientsOf = (count: number): string => `${count.toLocaleString("en-US")} clients`

const print = (count: number, ours: Found, peers: ReadonlyArray<Compared>): Effect.Effect<void> => {
  const cells = ({ rounds, latency, idleBytes }: Found) => [
    rate(median(speeds(rounds))),
    `${median(micros(rounds)).toFixed(2)} µs`,
    millis(latency.p50),
    millis(latency.p99),
    idleBytes === undefined ? "" : kibibytes(idleBytes)
  ]
  return printTable(
    `Fan-out to ${clientsOf(count)}, each with one of three wildcard patterns that match all events of 200 bytes, published 20 at a time.\n` +
      "Processor: time of the server's process for each that was delivered. Latency from publishing to receiving at half of the speed.\n" +
      "Gateway beside it: the median over rounds in turn, in events a second and in processor time; more than 1.00 is in favour of the gateway.\n" +
      "The gateway, bare, ws and Socket.IO are one thread each, and read from a nats-server in another process; nats-server is both, on all cores.",
    ["", "delivered", "processor", "p50", "p99", "idle connection", "gateway: speed", "processor"],
    [
      [NAMES.gateway, ...cells(ours)],
      ...peers.map(
        (peer): Row => [NAMES[peer.kind], ...cells(peer), speedRatio(peer).toFixed(2), processorRatio(peer).toFixed(2)]
      )
    ]
  )
}

/** How many times as many events the gateway delivers. */
const speedRatio = ({ ours, rounds }: Compared): number => pairedRatio(speeds(ours), speeds(rounds))
/** How many times as much processor time a peer takes for each. */
const processorRatio = ({ ours, rounds }: Compared): number => pairedRatio(micros(rounds), micros(ours))

const aimsOf = (count: number, peers: ReadonlyArray<Compared>): ReadonlyArray<Aim> =>
  peers.flatMap((peer): ReadonlyArray<Aim> => {
    const [speed, processor] = [speedRatio(peer), processorRatio(peer)]
    const says = `fan-out to ${clientsOf(count)}: `
    const times = (value: number) => `${value.toFixed(2)} times`
    if (peer.kind !== "bare")
      return [{ says: `${says}ahead of ${NAMES[peer.kind]}`, value: times(speed), met: speed > 1 }]
    return [
      { says: `${says}within 1.3 times of bare uWebSockets`, value: times(1 / speed), met: 1 / speed <= AIM_BARE },
      { says: `${says}the same in processor time`, value: times(1 / processor), met: 1 / processor <= AIM_BARE }
    ]
  })
