import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { writeFrame } from "../../runtime/nats/door/frame.ts"
import { layerNats, layerNatsOutside } from "../../runtime/nats/index.ts"
import { findNatsServer } from "../../setup/nats-server.mjs"
import { CounterProtocol, counter } from "../support/counter.ts"
import { asUser, serverWithUsers } from "../support/nats-users.ts"
import {
  A,
  body,
  everything,
  filled,
  HEADERS,
  headersOf,
  mailTo,
  OUTSIDERS,
  outsider,
  publishable,
  real
} from "../support/outsider.ts"

/** Subjects that nobody but a node may write to, or have an answer written to. */
const FOREIGN = [
  "conclave.mail.any.0.counter.a",
  "conclave.journal.counter.a",
  "conclave.timer.any.0.counter.a.t",
  "conclave.event.a.b",
  "conclave.dead.counter.a",
  "conclave.live.a.b",
  "conclave.broadcast",
  "conclave.reply.node.x",
  "$KV.CONCLAVE_CONTROLS.everything",
  "$KV.CONCLAVE_LEASES.node.x",
  "$JS.API.STREAM.PURGE.CONCLAVE",
  "$JS.API.STREAM.DELETE.CONCLAVE",
  "$JS.API.STREAM.INFO.CONCLAVE",
  "$JS.API.CONSUMER.CREATE.CONCLAVE.x.conclave.event.>",
  "$JS.API.DIRECT.GET.CONCLAVE",
  "$JS.API.INFO",
  "_INBOX.node.x",
  "_INBOX"
]

/** Requests that a door would do, by the door. */
const asked: Readonly<Record<string, Uint8Array>> = {
  "conclave.door.mail": mailTo(A, body),
  "conclave.door.events": writeFrame({
    head: { op: "page", of: "log", request: { seq: 1, next_by_subj: "conclave.event.>", batch: 10 }, bytes: 1_000 },
    parts: []
  }),
  "conclave.door.look": writeFrame({
    head: { op: "page", of: "log", request: { seq: 1, next_by_subj: "conclave.journal.>", batch: 10 }, bytes: 1_000 },
    parts: []
  }),
  "conclave.door.operate": writeFrame({ head: { op: "pause", target: { kind: "everything" }, cause: "x" }, parts: [] })
}

describe("a user of nats.conf that is no node", () => {
  it.live("changes nothing that is stored, by no header and no subject for an answer", () =>
    real(
      Effect.gen(function* () {
        const { url, before } = yield* filled
        for (const user of OUTSIDERS) {
          const one = yield* outsider(url, user)
          const doors = publishable(user)
          assert.isAbove(doors.length, 0)
          for (const subject of doors) {
            assert.match(subject, /^conclave\.door\.\w+$/)
            for (const header of HEADERS) one.publish(subject, "x", header)
            // What it may ask for, but to be answered where it may not write.
            for (const reply of FOREIGN.filter((to) => !to.startsWith("_INBOX.")))
              one.publish(subject, asked[subject]!, undefined, reply)
          }
          for (const subject of FOREIGN) for (const header of HEADERS) one.publish(subject, "x", header)
          yield* one.flush
          assert.isAbove(one.refusals.length, 0)
        }
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(yield* everything(url), before)
      })
    )
  )

  it.live("hears nothing of what others are sent or answered", () =>
    real(
      Effect.gen(function* () {
        const url = yield* serverWithUsers
        const heard: Array<string> = []
        const node = Layer.provideMerge(layerNode({ name: "n", actors: [counter] }), layerNats(asUser(url, "node")))
        yield* Effect.gen(function* () {
          for (const user of OUTSIDERS) {
            const others = ["node", ...OUTSIDERS].filter((other) => other !== user)
            const { connection, refusals } = yield* outsider(url, user)
            const subjects = [
              ...[
                ">",
                "_INBOX.>",
                "_INBOX.*.>",
                "conclave.>",
                "conclave.reply.>",
                "conclave.mail.>",
                "conclave.door.>"
              ],
              ...["conclave.event.>", "conclave.journal.>", "$JS.>", "$KV.>", "$SYS.>"],
              ...others.flatMap((other) => [`_INBOX.${other}.>`, `conclave.reply.${other}.>`])
            ]
            for (const subject of subjects) {
              connection.subscribe(subject, {
                callback: (error, { subject: to }) => void (error ?? heard.push(`${user} ${to}`))
              })
            }
            yield* Effect.promise(() => connection.flush())
            yield* Effect.sleep("50 millis")
            assert.lengthOf(refusals, subjects.length, user)
          }
          const { ask } = yield* Actors
          yield* ask(CounterProtocol, "a", "Add", { n: 1 })
          const outside = layerNatsOutside(asUser(url, "gateway"))
          yield* Actors.use((actors) => actors.ask(CounterProtocol, "a", "Get", {})).pipe(Effect.provide(outside))
        }).pipe(Effect.provide(node))
        assert.deepStrictEqual(heard, [])
      })
    )
  )

  it.live("has no answer of an actor sent to a subject that is none for answers", () =>
    real(
      Effect.gen(function* () {
        const url = yield* serverWithUsers
        const node = Layer.provideMerge(layerNode({ name: "n", actors: [counter] }), layerNats(asUser(url, "node")))
        yield* Effect.gen(function* () {
          const log = yield* ActorLog
          // As it lies in a mailbox from before there were doors.
          for (const reply of [
            "conclave.dead.counter.x",
            "conclave.event.alert.info",
            "$KV.CONCLAVE_CONTROLS.everything"
          ])
            yield* log.append([{ kind: "mail", to: A, payload: JSON.stringify({ ...body, id: reply, reply }) }])
          yield* Actors.use(({ ask }) => ask(CounterProtocol, "a", "Add", { n: 1 }))
          const [stream, controls] = yield* everything(url)
          const written = Object.keys(stream?.subjects ?? {}).filter((subject) => /dead|event/.test(subject))
          assert.deepStrictEqual([written, controls?.subjects], [[], {}])
        }).pipe(Effect.provide(node))
      })
    )
  )

  it("is tried with every header that the server knows", () => {
    const names = HEADERS.map(([name]) => name)
    const program = findNatsServer({ name: process.env.NATS_SERVER }).path ?? ""
    // The program holds them one after the other, and before other words: what is known and longest ends a name.
    const unknown = headersOf(program).filter((found) => !names.some((name) => found.startsWith(name)))
    assert.deepStrictEqual(
      unknown.filter((found) => !PREFIXES.includes(found)),
      []
    )
  })
})

/** Not headers, but what the server compares the beginnings of headers with. */
const PREFIXES = ["Nats-Expected", "Nats-Batch-Nats-Streamkey", "Nats-Batch", "Nats-Marker"]
