// What somebody can do who has the password of one of the users of nats.conf, and any NATS client.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect, headers, type NatsConnection } from "@nats-io/transport-node"
import { Clock, Effect, Layer, type Scope } from "effect"
import { ActorLog, type Entry } from "../../runtime/index.ts"
import { writeFrame } from "../../runtime/nats/door/frame.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { asUser, serverWithUsers } from "./nats-users.ts"

/** Those of nats.conf that are no nodes. */
export const OUTSIDERS = ["gateway", "viewer", "operator"] as const

/** Every header by which nats-server 2.15 does something with a message, or says something of one, with values that do. */
export const HEADERS: ReadonlyArray<readonly [name: string, value: string]> = [
  ["Nats-Rollup", "all"],
  ["Nats-Rollup", "sub"],
  ["Nats-Schedule", "@at 2020-01-01T00:00:00Z"],
  ["Nats-Schedule", "@every 1s"],
  ["Nats-Schedule-Target", "conclave.journal.counter.a"],
  ["Nats-Schedule-Source", "conclave.journal.counter.a"],
  ["Nats-Schedule-Rollup", "sub"],
  ["Nats-Schedule-TTL", "1s"],
  ["Nats-Schedule-Time-Zone", "UTC"],
  ["Nats-Schedule-Next", "purge"],
  ["Nats-Scheduler", "conclave.timer.any.0.counter.a.t"],
  ["Nats-Batch-Id", "hostile"],
  ["Nats-Batch-Sequence", "1"],
  ["Nats-Batch-Commit", "1"],
  ["Nats-Expected-Stream", "CONCLAVE"],
  ["Nats-Expected-Last-Sequence", "1"],
  ["Nats-Expected-Last-Subject-Sequence", "0"],
  ["Nats-Expected-Last-Subject-Sequence-Subject", "conclave.journal.counter.a"],
  ["Nats-Expected-Last-Msg-Id", "x"],
  ["Nats-Msg-Id", "x"],
  ["Nats-TTL", "1s"],
  ["Nats-Marker-Reason", "Purge"],
  ["Nats-Incr", "+1"],
  ["Nats-Counter-Sources", "{}"],
  ["Nats-Stream-Source", "CONCLAVE 1 > >"],
  ["Nats-Stream", "CONCLAVE"],
  ["Nats-Subject", "conclave.journal.counter.a"],
  ["Nats-Sequence", "1"],
  ["Nats-Last-Sequence", "1"],
  ["Nats-Time-Stamp", "2020-01-01T00:00:00Z"],
  ["Nats-Num-Pending", "0"],
  ["Nats-UpTo-Sequence", "1"],
  ["Nats-Last-Consumer", "1"],
  ["Nats-Last-Stream", "1"],
  ["Nats-Consumer-Stalled", "x"],
  ["Nats-Pending-Messages", "1"],
  ["Nats-Pending-Bytes", "1"],
  ["Nats-Pin-Id", "x"],
  ["Nats-Wrong-Pin-Id", "x"],
  ["Nats-Msg-Size", "1"],
  ["Nats-Response-Type", "x"],
  ["Nats-Request-Info", "{}"],
  ["Nats-Required-Api-Level", "0"],
  ["Nats-No-Masking", "1"],
  ["Nats-Stream-Identity", "x"],
  ["Nats-Server-Xkey", "x"],
  ["Nats-Trace-Dest", "conclave.mail.any.0.counter.a"],
  ["Nats-Trace-Only", "true"],
  ["Nats-Trace-Hop", "1"],
  ["Nats-Trace-Origin-Account", "$G"],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["KV-Operation", "PURGE"]
]

/** Names of all headers of the server, as its program holds them: none is missing above. */
export const headersOf = (program: string): ReadonlyArray<string> => {
  const found = readFileSync(program, "latin1").match(/Nats-[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)*/g) ?? []
  return [...new Set(found)]
}

/** The subjects that nats.conf lets a user publish to. */
export const publishable = (user: string): ReadonlyArray<string> => {
  const text = readFileSync(join(import.meta.dirname, "../../nats.conf"), "utf8")
  const [, list = ""] = new RegExp(`user: ${user},.*?publish:\\s*\\[(.*?)\\]`, "s").exec(text) ?? []
  return [...list.matchAll(/"([^"]+)"/g)].map(([, subject = ""]) => subject)
}

export interface Outsider {
  readonly user: string
  readonly connection: NatsConnection
  /** What the server has refused, in its own words. */
  readonly refusals: ReadonlyArray<string>
  /** Publishes with one header, and with a subject for the answer. */
  readonly publish: (
    subject: string,
    body: string | Uint8Array,
    header?: readonly [string, string],
    reply?: string
  ) => void
  /** Waits until the server has taken all that. */
  readonly flush: Effect.Effect<void>
  /** Asks, and gives the answer as text; what goes wrong is one, too. */
  readonly ask: (subject: string, body: string | Uint8Array) => Effect.Effect<string>
}

/** Connects as one of the users, with inboxes as its rights say. */
export const outsider = (url: string, user: string): Effect.Effect<Outsider, never, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() =>
        connect({
          servers: new URL(url).host,
          user,
          pass: user.charAt(0),
          inboxPrefix: `_INBOX.${user}.x`,
          timeout: 2_000
        })
      ),
      (open) => Effect.promise(() => open.close())
    )
    const refusals: Array<string> = []
    yield* Effect.forkScoped(
      Effect.promise(async () => {
        for await (const status of connection.status()) if (status.type === "error") refusals.push(status.error.message)
      })
    )
    return {
      user,
      connection,
      refusals,
      publish: (subject, body, header, reply) => {
        const all = headers()
        if (header !== undefined) all.set(...header)
        connection.publish(subject, body, { ...(header && { headers: all }), ...(reply && { reply }) })
      },
      flush: Effect.promise(() => connection.flush()),
      ask: (subject, body) =>
        Effect.promise(() =>
          connection.request(subject, body, { timeout: 1_000 }).then(
            (message) => message.string(),
            (error: Error) => error.message
          )
        )
    }
  })

/** Everything that is stored, by subject, and how many consumers there are. */
export const everything = (url: string) =>
  Effect.acquireUseRelease(
    Effect.promise(() => {
      const { servers, ...as } = { servers: new URL(url).host, user: "node", pass: "n" }
      return connect({ servers, ...as, inboxPrefix: "_INBOX.node.x" })
    }),
    (connection) =>
      Effect.promise(async () => {
        const { streams } = await jetstreamManager(connection)
        const names = ["CONCLAVE", "KV_CONCLAVE_CONTROLS", "KV_CONCLAVE_LEASES"]
        const infos = await Promise.all(names.map((name) => streams.info(name, { subjects_filter: ">" })))
        return infos.map(({ state, config, created }) => ({
          name: config.name,
          created,
          subjects: state.subjects ?? {},
          first: state.first_seq,
          last: state.last_seq,
          deleted: state.num_deleted ?? 0,
          consumers: state.consumer_count
        }))
      }),
    (connection) => Effect.promise(() => connection.close())
  )

/** Runs on the real clock, in a scope of its own. */
export const real = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  effect.pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))

/** An actor. */
export const A = { type: "counter", id: "a" }
/** A message for it. */
export const body = { kind: "message", message: "Add", body: { n: 1 }, correlation: "" }
/** One message, as it is asked to be stored. */
export const mailTo = (to: object, envelope: object | string, more: object = {}) =>
  writeFrame({
    head: { op: "append", mail: [{ to }], ...more },
    parts: [typeof envelope === "string" ? envelope : JSON.stringify(envelope)]
  })

/** Something of every kind is stored, and the doors are open. Nothing else writes: no node runs here. */
export const filled = Effect.gen(function* () {
  const url = yield* serverWithUsers
  const log = yield* ActorLog.pipe(Effect.provide(yield* Layer.build(layerNats(asUser(url, "node")))))
  const entries: ReadonlyArray<Entry> = [
    { kind: "mail", to: A, payload: JSON.stringify(body) },
    { kind: "journal", owner: A, payload: "{}", expected: 0, snapshot: true, truncate: false },
    { kind: "journal", owner: { ...A, id: "b" }, payload: "{}", expected: 0, snapshot: true, truncate: true },
    { kind: "timer", owner: A, name: "t", at: Date.now() + 600_000, payload: "{}" },
    { kind: "event", subject: "a.b", payload: "{}" },
    { kind: "dead", owner: A, payload: "{}" }
  ]
  yield* log.append(entries)
  return { url, log, before: yield* everything(url) }
})
