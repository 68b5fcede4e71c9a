import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Latch, Layer } from "effect"
import { type Fanout, makeFanout } from "../../gateway/streams/fanout.ts"
import { ActorLog } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { eventually } from "../support/gateway.ts"
import { type ClusterServer, natsCluster } from "../support/nats-cluster.ts"

const NAMESPACE = "events"
/** Before the copy is held back: a page and one more, so that who has read a page goes on. And while it is. */
const [BEFORE, DURING] = [501, 60]
const GATEWAYS = 4
/** Of one gateway: so many that some are served by the copy that is behind, and go live by another. */
const CLIENTS = 4
/** So much that it takes the copy a while to get it. */
const FILLING = "x".repeat(400_000)

const logOn = (server: ClusterServer) =>
  Layer.build(
    Layer.fresh(layerNats({ url: server.url, namespace: NAMESPACE, name: "test", shards: 8, replicas: 3 }))
  ).pipe(Effect.flatMap((services) => ActorLog.pipe(Effect.provide(services))))

describe("a gateway on three servers, one of whose copies was held back", () => {
  it.live(
    "gives who comes back every event, in order",
    () =>
      Effect.gen(function* () {
        const cluster = yield* natsCluster
        yield* Effect.scoped(logOn(cluster.servers[0]!))
        const leader = yield* cluster.leaderOf(NAMESPACE.toUpperCase())
        const held = cluster.servers.find((server) => server !== leader)!
        const { append } = yield* logOn(leader)
        const eventOf = (filling: string) =>
          ({ kind: "event", subject: "a.b", payload: JSON.stringify({ type: "t", data: { filling } }) }) as const
        const publish = append([eventOf(FILLING)])
        // Some read by themselves, and some through the doors of nodes.
        const events = (gateway: number) =>
          layerEvents({ url: leader.url, namespace: NAMESPACE, name: "gateway", outside: gateway % 2 === 1 })
        const stored = yield* append(Array.from({ length: BEFORE }, () => eventOf("")))
        const wanted = Array.from({ length: BEFORE }, (_, index) => stored - BEFORE + 1 + index)
        const open = yield* Latch.make(false)
        const heard: Array<Heard> = []
        for (let gateway = 0; gateway < GATEWAYS; gateway++) {
          // It keeps little for those who come back, so that they need the log.
          const fanout = yield* makeFanout({ events: 2, characters: 1_000_000 }).pipe(
            Effect.provide(yield* Layer.build(Layer.fresh(events(gateway))))
          )
          for (let client = 0; client < CLIENTS; client++) {
            const one = { sequences: [] as Array<number>, gaps: 0 }
            heard.push(one)
            yield* Effect.forkScoped(resume(fanout, wanted[0]!, one, open))
          }
        }
        // Each has its reading, and its first page.
        yield* eventually("a page for each", () => heard.every(({ sequences }) => sequences.length === BEFORE - 1))
        yield* held.pause
        wanted.push(...(yield* Effect.replicateEffect(publish, DURING)))
        yield* held.resume
        yield* open.open
        yield* Effect.forEach(heard, ({ sequences }) =>
          eventually("the last event", () => sequences.at(-1) === wanted.at(-1))
        )
        for (const one of heard) assert.deepStrictEqual(one, { sequences: wanted, gaps: 0 })
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    90_000
  )
})

interface Heard {
  readonly sequences: Array<number>
  gaps: number
}

/** Subscribes from a sequence on, and takes one page before the gate is open. */
const resume = (fanout: Fanout, seq: number, heard: Heard, gate: Latch.Latch) =>
  fanout.subscribe(
    "a.*",
    { seq },
    {
      joined: () => {},
      deliver: (events) => heard.sequences.push(...events.map(({ sequence }) => sequence)),
      missing: () => {
        heard.gaps++
      },
      broken: () => {},
      hold: () => {},
      caughtUp: () => {},
      ready: Effect.suspend(() => (heard.sequences.length < BEFORE - 1 ? Effect.void : gate.await))
    }
  )
