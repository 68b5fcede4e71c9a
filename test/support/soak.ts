// A gateway in a process of its own, whose clients come and go, do not read, or say nonsense, while events flow.
import { Effect } from "effect"
import { openClients } from "../../bench/gateway/clients.ts"
import { type Server, startServer } from "../../bench/gateway/server.ts"
import { eventAt, nowMicros, subjectOf } from "../../bench/gateway/wire.ts"
import { median } from "../../bench/report.ts"
import { clientFrame, http, openRaw } from "./gateway.ts"
import { openNamespace } from "./nats-gateway.ts"

export interface SoakOptions {
  readonly natsUrl: string
  readonly seconds: number
  readonly eventsPerSecond: number
  /** How many clients are there at any time, all of whom go again. */
  readonly clients: number
  readonly sampleSeconds: number
  readonly see?: (sample: Sample) => void
}

/** What the gateway's process takes after the garbage was collected. */
export interface Sample {
  readonly seconds: number
  readonly rssMebibytes: number
  readonly heapMebibytes: number
}

export interface SoakResult {
  readonly opened: number
  readonly requests: number
  readonly samples: ReadonlyArray<Sample>
  /** Memory of the last third beside that of the second, as medians: the first is for growing. 1 is flat. */
  readonly growth: { readonly rss: number; readonly heap: number }
}

const TICK_MILLIS = 50
const GROUP = 10

export const soak = (options: SoakOptions) =>
  Effect.gen(function* () {
    const { natsUrl, seconds, clients, sampleSeconds } = options
    yield* openNamespace(natsUrl, "soak")
    const server = yield* startServer("gateway", natsUrl, "soak")
    const counts = { opened: 0, requests: 0 }
    const start = performance.now()
    const since = () => (performance.now() - start) / 1_000
    const samples: Array<Sample> = []
    const sampling = Effect.gen(function* () {
      yield* Effect.sleep(`${sampleSeconds} seconds`)
      const { rss, heap } = yield* server.taken
      const [rssMebibytes, heapMebibytes] = [Math.round(rss / 2 ** 20), Math.round(heap / 2 ** 17) / 8]
      const sample = { seconds: Math.round(since()), rssMebibytes, heapMebibytes }
      samples.push(sample)
      options.see?.(sample)
    }).pipe(Effect.forever)
    const churn = Array.from({ length: Math.ceil(clients / GROUP) }, () =>
      Effect.forever(comeAndGo(server.port, counts))
    )
    const all = [publishing(server, options), sampling, ...churn, Effect.forever(silent(server.port, counts))]
    yield* Effect.raceAllFirst([
      Effect.all([...all, Effect.forever(nonsense(server.port, counts))], { concurrency: "unbounded" }),
      Effect.sleep(`${seconds} seconds`)
    ])
    const third = Math.floor(samples.length / 3)
    const growthOf = (of: (sample: Sample) => number) =>
      median(samples.slice(-third).map(of)) / median(samples.slice(third, 2 * third).map(of))
    const growth = {
      rss: growthOf(({ rssMebibytes }) => rssMebibytes),
      heap: growthOf(({ heapMebibytes }) => heapMebibytes)
    }
    const result: SoakResult = { ...counts, samples, growth }
    return result
  }).pipe(Effect.scoped)

const publishing = (server: Server, { eventsPerSecond }: SoakOptions) =>
  Effect.gen(function* () {
    const count = Math.max(1, Math.round((eventsPerSecond * TICK_MILLIS) / 1_000))
    for (let index = 0; index < count; index++) server.publish(subjectOf(index), eventAt(nowMicros()))
    yield* Effect.sleep(TICK_MILLIS)
  }).pipe(Effect.forever)

/** A few clients that subscribe, stay for up to two seconds, and are gone without a word. */
const comeAndGo = (port: number, counts: { opened: number }) =>
  Effect.gen(function* () {
    yield* openClients("gateway", port, GROUP)
    counts.opened += GROUP
    yield* Effect.sleep(Math.random() * 2_000)
  }).pipe(Effect.scoped)

/** A client that subscribes and then does not read. */
const silent = (port: number, counts: { opened: number }) =>
  Effect.gen(function* () {
    const { socket } = yield* openRaw(port)
    counts.opened++
    socket.write(clientFrame('{"op":"subscribe","id":"s","pattern":">","start":{"seq":1}}'))
    socket.pause()
    yield* Effect.sleep("3 seconds")
  }).pipe(Effect.scoped)

/** Frames and requests that are not valid. */
const nonsense = (port: number, counts: { opened: number; requests: number }) =>
  Effect.gen(function* () {
    const { socket } = yield* openRaw(port)
    counts.opened++
    for (const text of ["", "{", '{"op":"fly"}', '{"op":"subscribe","id":"x","pattern":"a..b"}']) {
      socket.write(clientFrame(text))
    }
    socket.write(Buffer.from([0xff, 0xff, 0xff]))
    const body = '{"symbol":'
    yield* http(port, "/api/v1/agents/analyze", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body
    })
    yield* http(port, "/metrics")
    counts.requests += 2
    yield* Effect.sleep("100 millis")
  }).pipe(Effect.scoped)
