import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Actors, ClientLog } from "../../runtime/index.ts"
import { readFrame, writeFrame } from "../../runtime/nats/door/frame.ts"
import { layerNats, layerNatsOutside, NO_NODE } from "../../runtime/nats/index.ts"
import { CounterProtocol } from "../support/counter.ts"
import { asUser, serverWithUsers } from "../support/nats-users.ts"
import { A, body, everything, filled, mailTo, outsider, real } from "../support/outsider.ts"

describe("who asks at a door", () => {
  it.live("is refused at a door what would not come from outside, and what is behind another door", () =>
    real(
      Effect.gen(function* () {
        const { url, before } = yield* filled
        const gateway = yield* outsider(url, "gateway")
        const mail = (frame: Uint8Array | string) => gateway.ask("conclave.door.mail", frame)
        const envelopes: ReadonlyArray<object | string> = [
          { ...body, from: "consensus/1" },
          { ...body, retry: "retry 1" },
          { ...body, id: "1", reply: "conclave.journal.counter.a" },
          { ...body, id: "1", reply: "$KV.CONCLAVE_CONTROLS.everything" },
          { ...body, id: "1", reply: "conclave.reply.>" },
          { kind: "timer", name: "t", generation: 1, message: "Add", body: {}, correlation: "" },
          { kind: "outcome", activity: "x", key: "k", generation: 1, result: {}, correlation: "" },
          { kind: "watch", from: "counter/b", correlation: "" },
          "no JSON",
          "{}",
          ""
        ]
        for (const envelope of envelopes) yield* refuses(mail(mailTo(A, envelope)))
        for (const to of [
          { type: "counter", id: "*" },
          { type: "counter", id: "a b" },
          { type: "A", id: "a" },
          { ...A, role: "a.b" }
        ])
          yield* refuses(mail(mailTo(to, body)))
        for (const id of ["a\r\nNats-Rollup: all", "", "x y", "x".repeat(200)])
          yield* refuses(mail(mailTo(A, body, { id })))
        for (const id of ["a\r\nNats-Rollup: all", "retry 6", ""])
          yield* refuses(mail(mailTo(A, body, { mail: [{ to: A, id }] })))
        yield* refuses(mail(mailTo(A, body, { mail: [] })))
        yield* refuses(mail(mailTo(A, body, { life: "another" })))
        yield* refuses(mail(mailTo(A, { ...body, correlation: "x".repeat(1_041_000) })))
        const many = Array.from({ length: 1_025 }, () => ({ to: A }))
        yield* refuses(mail(writeFrame({ head: { op: "append", mail: many }, parts: [] })))
        yield* refuses(mail(`{"sizes":[${Array(1_025).fill("0").join()}],"head":{"op":"state"}}\n`))
        for (const text of ["", "x", '{"sizes":[9],"head":{}}\n', '{"sizes":[-1],"head":{}}\n', "\n"])
          yield* refuses(mail(text))
        for (const [door, user] of [
          ["events", gateway],
          ["look", yield* outsider(url, "viewer")]
        ] as const)
          for (const head of beyond(door))
            yield* refuses(user.ask(`conclave.door.${door}`, writeFrame({ head, parts: [] })))
        const operator = yield* outsider(url, "operator")
        const target = { kind: "actor", address: A }
        const acts = [
          { op: "pause", target, cause: "x".repeat(20_000) },
          { op: "pause", target: { ...target, address: { ...A, id: "x".repeat(2_000) } }, cause: "" }
        ]
        for (const head of acts) yield* refuses(operator.ask("conclave.door.operate", writeFrame({ head, parts: [] })))
        assert.deepStrictEqual(yield* everything(url), before)
      })
    )
  )

  it.live("has what it sends again stored once, by whatever node", () =>
    real(
      Effect.gen(function* () {
        const { url, log } = yield* filled
        yield* Layer.build(Layer.fresh(layerNats(asUser(url, "node"))))
        const remote = yield* ClientLog.pipe(
          Effect.provide(yield* Layer.build(layerNatsOutside(asUser(url, "gateway"))))
        )
        yield* remote.check
        const entry = (n: number) =>
          ({ kind: "mail", to: { type: "counter", id: `s${n}` }, payload: JSON.stringify(body) }) as const
        // A node has used that id for something else.
        yield* log.append([{ kind: "mail", to: A, payload: JSON.stringify(body) }], "group.1")
        const last = yield* remote.append([entry(1), entry(2)], "group.1")
        for (let again = 0; again < 6; again++) {
          assert.strictEqual((yield* Effect.flip(remote.append([entry(1), entry(2)], "group.1")))._tag, "AlreadyStored")
        }
        yield* remote.append([{ ...entry(3), id: "own" }])
        assert.strictEqual((yield* Effect.flip(remote.append([{ ...entry(3), id: "own" }])))._tag, "AlreadyStored")
        assert.strictEqual(
          (yield* Effect.flip(remote.append([{ kind: "event", subject: "a", payload: "{}" }])))._tag,
          "LogRefused"
        )
        const [first] = yield* log.readMail({ type: "counter", id: "s1" }, 0, 10)
        assert.strictEqual(first?.sequence, last - 1)
        assert.lengthOf(yield* log.readMail({ type: "counter", id: "s3" }, 0, 10), 1)
      })
    )
  )

  it.live("has messages stored that are too many or too large for one that holds them all", () =>
    real(
      Effect.gen(function* () {
        const { url, log } = yield* filled
        const outside = yield* Layer.build(layerNatsOutside(asUser(url, "gateway")))
        const remote = yield* ClientLog.pipe(Effect.provide(outside))
        const large = { kind: "mail", to: A, payload: JSON.stringify({ ...body, body: "x".repeat(600_000) }) } as const
        assert.strictEqual((yield* Effect.flip(remote.append([large, large], "group.1")))._tag, "TooLarge")
        const { tell } = yield* Actors.pipe(Effect.provide(outside))
        const ids = Array.from({ length: 3_000 }, (_, index) => `${index}-${"\u{1F600}".repeat(50)}`)
        yield* Effect.forEach(ids, (id) => tell(CounterProtocol, id, "Add", { n: 1 }), { concurrency: "unbounded" })
        const mail = yield* log.mailboxes("any")
        assert.deepStrictEqual(
          ids.filter((id) => mail.get(`counter/${id}`) !== 1),
          []
        )
      })
    )
  )

  it.live("has inboxes that are called as it says", () =>
    real(
      Effect.gen(function* () {
        const url = yield* serverWithUsers
        const other = layerNatsOutside({ ...asUser(url, "gateway"), inbox: "desk" })
        const { message } = yield* Effect.flip(Layer.build(other))
        assert.match(message, /Permissions Violation for Subscription to "conclave\.reply\.desk\./)
      })
    )
  )

  it.live("is told at once that no node is there", () =>
    real(
      Effect.gen(function* () {
        const url = yield* serverWithUsers
        const remote = yield* ClientLog.pipe(
          Effect.provide(yield* Layer.build(layerNatsOutside(asUser(url, "gateway"))))
        )
        const refused = yield* Effect.flip(remote.append([{ kind: "mail", to: A, payload: "{}" }]))
        assert.deepInclude(refused, { _tag: "LogUnavailable", detail: NO_NODE })
      })
    )
  )
})

/** What is asked at a door and is behind another one. */
const beyond = (door: "events" | "look"): ReadonlyArray<object> => {
  const page = (of: string, next_by_subj: string) => ({
    op: "page",
    of,
    request: { seq: 1, next_by_subj, batch: 1 },
    bytes: 9
  })
  const newest = (...multi_last: ReadonlyArray<string>) => ({
    op: "page",
    of: "log",
    request: { multi_last, batch: 1 },
    bytes: 9
  })
  const everywhere = [
    page("log", ">"),
    page("log", "$KV.>"),
    { op: "page", of: "log", request: { seq: 1, batch: 1 }, bytes: 9 },
    page("other", "conclave.event.>"),
    newest("conclave.event.a.b", "*.journal.>"),
    { op: "follow", pattern: ">", after: 0, inbox: "conclave.mail.any.0.counter.a" },
    { op: "follow", pattern: ">", after: 0, inbox: "$JS.API.STREAM.PURGE.CONCLAVE" },
    { op: "follow", pattern: "> x", after: 0, inbox: "_INBOX.gateway.x" },
    { op: "unfollow", name: "another" },
    { op: "subjects", of: "log", pattern: "*.mail.>", offset: 0 },
    { op: "subjects", of: "log", pattern: `conclave.event.${"x".repeat(1_024)}`, offset: 0 },
    newest(...Array(1_025).fill("conclave.event.a")),
    newest(...Array(1_000).fill(`conclave.event.${"x".repeat(600)}`)),
    { op: "purge" }
  ]
  return door === "look"
    ? everywhere
    : [
        ...everywhere,
        page("log", "conclave.journal.>"),
        newest("conclave.event.a.b", "conclave.mail.>"),
        { op: "last", of: "log", subject: "conclave.mail.>" },
        { op: "state", of: "leases" },
        page("controls", "$KV.CONCLAVE_CONTROLS.>"),
        page("leases", "conclave.event.>")
      ]
}

const refuses = (answer: Effect.Effect<string>) =>
  Effect.map(answer, (text) => {
    const { head } = readFrame(Buffer.from(text))
    assert.isTrue(typeof head === "object" && head !== null && "error" in head, text)
  })
