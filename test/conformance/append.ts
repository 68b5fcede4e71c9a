import { assert } from "@effect/vitest"
import { Effect } from "effect"
import {
  actor,
  aWhile,
  collect,
  event,
  failure,
  fresh,
  freshForgetful,
  freshPair,
  Harness,
  mail,
  payloads,
  record,
  shardsOf,
  type Truths,
  timer,
  until
} from "./harness.ts"

const a = actor("a")
const b = actor("b")
const c = actor("c")
/** NATS looks for ids to forget about as often. */
const WINDOW_MILLIS = 500

/** What is true of storing. */
export const appending: Truths = {
  "stores a group in order, one sequence after the other, and gives the last one": Effect.gen(function* () {
    const log = yield* fresh
    const seen = yield* collect(log, shardsOf([a, b]))
    const first = yield* log.append([mail(a, 1)])
    const last = yield* log.append([record(c, 0, "r"), mail(a, 2), event("e.f", "e"), mail(b, 3), mail(a, 4)])
    assert.strictEqual(last, first + 5)
    yield* until(() => seen.length === 4)
    assert.deepStrictEqual(payloads(seen), [1, 2, 3, 4])
    assert.deepStrictEqual(
      seen.map(({ sequence }) => sequence),
      [first, last - 3, last - 1, last]
    )
    assert.deepStrictEqual(yield* log.readJournal(c), [{ sequence: last - 4, payload: '"r"' }])
  }),

  "keeps a payload as it is, whatever is in it": Effect.gen(function* () {
    const log = yield* fresh
    const texts = ["", "{", "ünï\u2028 \u0000 \r\n 😀", "x".repeat(100_000)]
    yield* log.append(texts.map((payload) => ({ kind: "mail", to: a, payload })))
    const mails = yield* log.readMail(a, 0, 10)
    assert.deepStrictEqual(
      mails.map(({ payload }) => payload),
      texts
    )
  }),

  "takes as many entries as its limits say, and as many bytes": Effect.gen(function* () {
    const log = yield* fresh
    const { groupEntriesMax, payloadBytesMax } = log.limits
    yield* log.append(Array.from({ length: groupEntriesMax }, (_, index) => mail(a, index)))
    yield* log.append([{ kind: "mail", to: b, payload: "x".repeat(payloadBytesMax) }])
    assert.strictEqual((yield* log.readMail(a, 0, 2_000)).length, groupEntriesMax)
    const [large] = yield* log.readMail(b, 0, 1)
    assert.strictEqual(large?.payload.length, payloadBytesMax)
  }),

  "refuses a group with a message that is too large whole, says both sizes, and goes on": Effect.gen(function* () {
    const log = yield* fresh
    const size = 3 * log.limits.payloadBytesMax
    const large = { kind: "mail", to: a, payload: "x".repeat(size) } as const
    const error = yield* Effect.flip(log.append([mail(a, 1), large, mail(a, 2)]))
    assert.strictEqual(error._tag, "TooLarge")
    if (error._tag === "TooLarge") {
      assert.isAtLeast(error.size, size)
      assert.isBelow(error.limit, size)
    }
    yield* log.append([mail(a, 3)])
    assert.deepStrictEqual(payloads(yield* log.readMail(a, 0, 10)), [3])
  }),

  "refuses a record whose journal has moved on": Effect.gen(function* () {
    const log = yield* fresh
    assert.strictEqual(yield* failure(log.append([record(a, 7, "none is there")])), "Fenced")
    const first = yield* log.append([record(a, 0, 1)])
    assert.strictEqual(yield* failure(log.append([record(a, 0, "again")])), "Fenced")
    yield* log.append([mail(a, "in between")])
    const second = yield* log.append([record(a, first, 2)])
    assert.strictEqual(yield* failure(log.append([record(a, first, "stale")])), "Fenced")
    assert.deepStrictEqual(yield* log.readJournal(a), [
      { sequence: first, payload: "1" },
      { sequence: second, payload: "2" }
    ])
  }),

  "refuses a group whole if one of its records is stale: nothing of it is seen, and no sequence is used": Effect.gen(
    function* () {
      const log = yield* fresh
      const seen = yield* collect(log, shardsOf([a, b, c]))
      const events: Array<string> = []
      yield* log.watch(">", ({ subject }) => events.push(subject))
      const before = yield* log.append([record(a, 0, 1)])
      const group = [record(b, 0, 1), mail(b, 1), event("e", 1), timer(b, "t", 0, 1), record(a, 0, 2), mail(c, 2)]
      assert.strictEqual(yield* failure(log.append(group)), "Fenced")
      yield* aWhile
      assert.deepStrictEqual([seen, events], [[], []])
      assert.deepStrictEqual(yield* log.readJournal(b), [])
      assert.strictEqual(yield* log.append([mail(a, 1)]), before + 1)
    }
  ),

  "takes the records of several actors in one group": Effect.gen(function* () {
    const log = yield* fresh
    const last = yield* log.append([record(a, 0, "a1"), mail(a, 1), record(b, 0, "b1")])
    const next = yield* log.append([record(b, last, "b2"), record(a, last - 2, "a2")])
    assert.deepStrictEqual(yield* log.readJournal(a), [
      { sequence: last - 2, payload: '"a1"' },
      { sequence: next, payload: '"a2"' }
    ])
    assert.deepStrictEqual(yield* log.readJournal(b), [
      { sequence: last, payload: '"b1"' },
      { sequence: next - 1, payload: '"b2"' }
    ])
  }),

  "lets one of two win who write the same record at once": Effect.gen(function* () {
    const [one, two] = yield* freshPair
    for (let round = 0, expected = 0; round < 20; round++) {
      const tries = [one, two].map((log, index) => Effect.result(log.append([record(a, expected, index), mail(b, 1)])))
      const results = yield* Effect.all(tries, { concurrency: 2 })
      const won = results.filter((result) => result._tag === "Success")
      assert.strictEqual(won.length, 1)
      expected = (yield* one.readJournal(a)).at(-1)!.sequence
    }
    assert.strictEqual((yield* two.readMail(b, 0, 100)).length, 20)
  }),

  "stores a group with an id once, also from another process, and says so of the others": Effect.gen(function* () {
    const [one, two] = yield* freshPair
    yield* one.append([mail(a, 1), mail(b, 2)], "group")
    assert.strictEqual(yield* failure(one.append([mail(a, 1), mail(b, 2)], "group")), "AlreadyStored")
    assert.strictEqual(yield* failure(two.append([mail(a, 1), mail(b, 2)], "group")), "AlreadyStored")
    assert.strictEqual(yield* failure(one.append([mail(a, 1)], "group")), "AlreadyStored")
    yield* one.append([mail(a, 3)], "other")
    assert.deepStrictEqual(payloads(yield* one.readMail(a, 0, 10)), [1, 3])
  }),

  "stores a group with an id once, whatever it begins with": Effect.gen(function* () {
    const log = yield* fresh
    yield* log.append([event("thing.a", 1), mail(a, 1)], "group")
    assert.strictEqual(yield* failure(log.append([event("thing.a", 1), mail(a, 1)], "group")), "AlreadyStored")
    yield* log.append([event("thing.a", 2)], "alone")
    assert.strictEqual(yield* failure(log.append([event("thing.a", 2)], "alone")), "AlreadyStored")
    assert.deepStrictEqual(payloads(yield* log.readMail(a, 0, 10)), [1])
  }),

  "stores mail with an id once per actor: two actors may share an id": Effect.gen(function* () {
    const [one, two] = yield* freshPair
    yield* one.append([mail(a, 1, "id")])
    yield* one.append([mail(b, 1, "id")])
    assert.strictEqual(yield* failure(two.append([mail(a, 2, "id")])), "AlreadyStored")
    assert.strictEqual(yield* failure(one.append([mail(b, 2, "id")])), "AlreadyStored")
    assert.deepStrictEqual(payloads(yield* one.readMail(a, 0, 10)), [1])
    assert.deepStrictEqual(payloads(yield* one.readMail(b, 0, 10)), [1])
  }),

  "refuses a group whole for one mail whose id it has seen": Effect.gen(function* () {
    const log = yield* fresh
    yield* log.append([mail(a, 1, "id")])
    assert.strictEqual(yield* failure(log.append([mail(b, 1), mail(a, 2, "id"), mail(b, 2)])), "AlreadyStored")
    assert.deepStrictEqual(yield* log.readMail(b, 0, 10), [])
  }),

  "forgets an id in time, of groups and of mail: what comes with it then is stored again": Effect.gen(function* () {
    const log = yield* freshForgetful(WINDOW_MILLIS)
    yield* log.append([mail(a, 1)], "group")
    yield* log.append([mail(a, 2, "id")])
    assert.strictEqual(yield* failure(log.append([mail(a, 1)], "group")), "AlreadyStored")
    yield* Harness.use(({ sleep }) => sleep(3 * WINDOW_MILLIS))
    yield* log.append([mail(a, 3)], "group")
    yield* log.append([mail(a, 4, "id")])
    assert.deepStrictEqual(payloads(yield* log.readMail(a, 0, 10)), [1, 2, 3, 4])
  }),

  "does not count an id of a group that it refused": Effect.gen(function* () {
    const log = yield* fresh
    yield* log.append([record(a, 0, 1)])
    assert.strictEqual(yield* failure(log.append([mail(b, 1, "id"), record(a, 0, 2)], "group")), "Fenced")
    yield* log.append([mail(b, 2, "id")], "group")
    assert.deepStrictEqual(payloads(yield* log.readMail(b, 0, 10)), [2])
  })
}
