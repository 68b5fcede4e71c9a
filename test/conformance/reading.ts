import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Mail, shardOf } from "../../runtime/index.ts"
import { actor, fresh, freshPair, mail, payloads, record, SHARDS, type Truths } from "./harness.ts"

const a = actor("a")
const b = actor("b")

/** What is true of reading journals and mailboxes. */
export const reading: Truths = {
  "reads nothing of an actor that has no journal": Effect.gen(function* () {
    const log = yield* fresh
    assert.deepStrictEqual(yield* log.readJournal(a), [])
    yield* log.append([record(a, 0, 1)])
    assert.deepStrictEqual(yield* log.readJournal(b), [])
  }),

  "reads a journal whole, oldest first, from any process": Effect.gen(function* () {
    const [one, two] = yield* freshPair
    let expected = 0
    for (let index = 0; index < 30; index++) {
      expected = yield* one.append([record(a, expected, index), record(actor(`o${index}`), 0, index)])
      expected--
    }
    const records = yield* two.readJournal(a)
    assert.deepStrictEqual(
      payloads(records),
      Array.from({ length: 30 }, (_, index) => index)
    )
    assert.strictEqual(records.at(-1)?.sequence, expected)
  }),

  "reads a journal from its newest record on, if that is a snapshot": Effect.gen(function* () {
    const log = yield* fresh
    const first = yield* log.append([record(a, 0, 1)])
    const second = yield* log.append([record(a, first, "whole", { snapshot: true })])
    assert.deepStrictEqual(payloads(yield* log.readJournal(a)), ["whole"])
    const third = yield* log.append([record(a, second, 3)])
    assert.deepStrictEqual(payloads((yield* log.readJournal(a)).slice(-2)), ["whole", 3])
    assert.strictEqual((yield* log.readJournal(a)).at(-1)?.sequence, third)
  }),

  "has nothing left from before a record that truncates; the journal goes on from its sequence": Effect.gen(
    function* () {
      const log = yield* fresh
      const first = yield* log.append([record(a, 0, 1)])
      const second = yield* log.append([record(a, first, 2), record(b, 0, "of b")])
      const third = yield* log.append([record(a, second - 1, "whole", { snapshot: true, truncate: true })])
      yield* log.append([record(a, third, 4)])
      assert.deepStrictEqual(payloads(yield* log.readJournal(a)), ["whole", 4])
      assert.deepStrictEqual(payloads(yield* log.readJournal(b)), ["of b"])
    }
  ),

  "truncates inside a group only if the group is stored": Effect.gen(function* () {
    const log = yield* fresh
    const first = yield* log.append([record(a, 0, 1)])
    const truncating = record(a, first, "whole", { snapshot: true, truncate: true })
    yield* Effect.flip(log.append([truncating, record(b, 99, "stale")]))
    assert.deepStrictEqual(payloads(yield* log.readJournal(a)), [1])
    yield* log.append([truncating, record(b, 0, 1)])
    assert.deepStrictEqual(payloads(yield* log.readJournal(a)), ["whole"])
  }),

  "reads the journals of many actors at once": Effect.gen(function* () {
    const log = yield* fresh
    const ids = Array.from({ length: 600 }, (_, index) => `m${index}`)
    yield* log.append(ids.map((id) => record(actor(id), 0, id)))
    const journals = yield* Effect.forEach([...ids, "none"], (id) => log.readJournal(actor(id)), {
      concurrency: "unbounded"
    })
    assert.deepStrictEqual(journals.map(payloads), [...ids.map((id) => [id]), []])
  }),

  "reads an actor's mail after a sequence, oldest first, at most as much as asked for": Effect.gen(function* () {
    const log = yield* fresh
    const first = yield* log.append([mail(a, 0)])
    yield* log.append([mail(b, "b"), ...Array.from({ length: 10 }, (_, index) => mail(a, index + 1))])
    assert.deepStrictEqual(payloads(yield* log.readMail(a, first, 3)), [1, 2, 3])
    assert.strictEqual((yield* log.readMail(a, 0, 100)).length, 11)
    assert.deepStrictEqual(yield* log.readMail(a, first + 11, 100), [])
    assert.deepStrictEqual(yield* log.readMail(actor("nobody"), 0, 100), [])
  }),

  "says of mail whose it is, in which shard, and when it was stored": Effect.gen(function* () {
    const log = yield* fresh
    const to = actor("with-a-role", "gpu")
    const sequence = yield* log.append([mail(to, 1)])
    const [read] = yield* log.readMail(to, 0, 1)
    assert.deepStrictEqual(read && { ...read, time: 0 }, {
      to,
      shard: shardOf(to, SHARDS),
      sequence,
      time: 0,
      payload: "1"
    })
    yield* log.append([mail(to, 2)])
    const [, later] = yield* log.readMail(to, 0, 2)
    assert.isAtLeast(later!.time, read!.time)
  }),

  "gives large mail piece by piece, and never none of it while there is any": Effect.gen(function* () {
    const log = yield* fresh
    const large = "x".repeat(300_000)
    for (let index = 0; index < 40; index++) yield* log.append([mail(a, `${index}${large}`)])
    const read: Array<Mail> = []
    while (true) {
      const page = yield* log.readMail(a, read.at(-1)?.sequence ?? 0, 100)
      if (page.length === 0) break
      assert.isBelow(page.length, 31, "no more than some megabytes at a time")
      read.push(...page)
    }
    assert.deepStrictEqual(
      read.map(({ payload }) => Number.parseInt(payload.slice(1), 10)),
      Array.from({ length: 40 }, (_, index) => index)
    )
  })
}
