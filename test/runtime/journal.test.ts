import { assert, describe, layer, it as plain } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Layer, Schema } from "effect"
import fc from "fast-check"
import {
  type Actor,
  ActorLog,
  Actors,
  type Address,
  define,
  type Entry,
  layerNode,
  persist,
  reply
} from "../../runtime/index.ts"
import { parseRecord, sealRecord } from "../../runtime/journal.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

describe("a journal record", () => {
  const record = { version: 1 as const, kept: 1, previous: 0, steps: [] }
  plain("is read as it was written, and not if one character was changed", () => {
    const stored = sealRecord(JSON.stringify({ ...record, snapshot: undefined }))
    assert.deepStrictEqual(parseRecord(stored), record)
    fc.assert(
      fc.property(fc.nat(stored.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const changed = stored.slice(0, at) + String.fromCharCode(code) + stored.slice(at + 1)
        if (changed !== stored) assert.throws(() => parseRecord(changed), /corrupt/)
      })
    )
    for (const other of ["", "rubbish", JSON.stringify(record), stored.slice(1)]) {
      assert.throws(() => parseRecord(other), /corrupt/)
    }
  })
})

const add = (id: string) => Actors.use((all) => all.ask(CounterProtocol, id, "Add", { n: 1 }, { timeout: "3 seconds" }))
const on = (actor: Actor) => Effect.provide(Layer.fresh(layerNode({ name: "one", actors: [actor] })))
const step = (sequence: number) => ({
  sequence,
  message: "Add",
  time: 0,
  correlation: "",
  events: [{ _tag: "Added", data: { n: 1 } }]
})

/** A record that holds no snapshot, as it would be of a large actor. */
const recordOf = (owner: Address, expected: number, previous: number, sequence: number): Entry => ({
  kind: "journal",
  owner,
  payload: sealRecord(JSON.stringify({ version: 1, kept: 1, previous, steps: [step(sequence)] })),
  expected,
  snapshot: false,
  truncate: false
})

const BulkProtocol = {
  type: "bulk",
  messages: { Add: { payload: Schema.Struct({ text: Schema.String }), reply: Schema.Int } }
} as const

/** Its state is as small as its events are large: a count of characters that it forgets, and a padding. */
const bulk = define({
  protocol: BulkProtocol,
  snapshotCharacters: 20_000,
  state: Schema.Struct({ count: Schema.Int, padding: Schema.String }),
  initial: () => ({ count: 0, padding: "x".repeat(2_000) }),
  events: { Added: { text: Schema.String } },
  decide: { Add: (state, { text }) => [persist({ _tag: "Added", text }), reply(state.count + 1)] },
  evolve: { Added: (state) => ({ ...state, count: state.count + 1 }) }
})

layer(NatsServer.layer, { excludeTestServices: true })("a journal", (it) => {
  it.effect("with a record missing in the middle is not read: its actor is left alone, and the rest goes on", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const owner = { type: "counter", id: "gap" }
      const first = yield* log.append([recordOf(owner, 0, 0, 1)])
      yield* log.append([recordOf(owner, first, first + 100, 2)])
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(add("gap")))._tag, "AskTimeout")
        assert.strictEqual(yield* add("other"), 1)
      }).pipe(on(counter))
      assert.strictEqual((yield* log.readJournal(owner)).length, 2)
    }).pipe(Effect.provide(client({ namespace: "gap" })))
  )

  it.effect("of records that follow one another is", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const owner = { type: "counter", id: "whole" }
      const first = yield* log.append([recordOf(owner, 0, 0, 1)])
      yield* log.append([recordOf(owner, first, first, 2)])
      assert.strictEqual(yield* add("whole").pipe(on(counter)), 3)
    }).pipe(Effect.provide(client({ namespace: "whole" })))
  )

  it.effect("is cut short by size, too: a large history gets a snapshot before its hundredth record", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const text = "x".repeat(3_000)
      const counts: Array<number> = []
      for (let index = 0; index < 30; index++) {
        const asked = Actors.use((all) => all.ask(BulkProtocol, "a", "Add", { text }))
        assert.strictEqual(yield* asked, index + 1)
        counts.push((yield* log.readJournal({ type: "bulk", id: "a" })).length)
      }
      assert.isAtMost(Math.max(...counts), 9, "20,000 characters are seven records")
      assert.isAbove(Math.max(...counts), 4)
    }).pipe(on(bulk), Effect.provide(client({ namespace: "bulk" })))
  )

  it.effect("that is long holds up the reading of no other", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const long = { type: "counter", id: "long" }
      const { url } = yield* NatsServer
      yield* publishMany(url, "long.journal.counter.long", 8_000)
      yield* log.append([recordOf({ type: "counter", id: "short" }, 0, 0, 1)])
      const order: Array<string> = []
      const read = (id: string) =>
        log.readJournal({ ...long, id }).pipe(Effect.map(({ length }) => order.push(`${id} ${length}`)))
      yield* Effect.all([read("long"), Effect.delay(read("short"), "5 millis")], { concurrency: 2 })
      assert.deepStrictEqual(order, ["short 1", "long 8000"])
    }).pipe(Effect.provide(client({ namespace: "long" })))
  )
})

/** Many messages of a subject, which are not the first of their subject. */
const publishMany = (url: string, subject: string, count: number) =>
  Effect.promise(async () => {
    const connection = await connect({ servers: url })
    const js = jetstream(connection)
    await Promise.all(Array.from({ length: count }, () => js.publish(subject, "x".repeat(200))))
    await connection.close()
  })
