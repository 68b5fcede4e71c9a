import { assert } from "@effect/vitest"
import { Effect, Exit, Latch, Scope } from "effect"
import { shardOf } from "../../runtime/index.ts"
import {
  actor,
  aWhile,
  collect,
  fresh,
  freshPair,
  mail,
  payloads,
  record,
  SHARDS,
  shardsOf,
  type Truths,
  until
} from "./harness.ts"

const a = actor("a")
const b = actor("b")

/** An actor in another shard than `a`. */
const elsewhere = Array.from({ length: 100 }, (_, index) => actor(`e${index}`)).find(
  (each) => shardOf(each, SHARDS) !== shardOf(a, SHARDS)
)!

/** What is true of following mailboxes, and of emptying them. */
export const tailing: Truths = {
  "delivers what is stored and what comes, in order, of all shards that are asked for and no other": Effect.gen(
    function* () {
      const [one, two] = yield* freshPair
      const everybody = Array.from({ length: 40 }, (_, index) => actor(`k${index}`))
      yield* one.append(everybody.map((to, index) => mail(to, index)))
      const all = yield* collect(two, shardsOf(everybody))
      const some = yield* collect(two, shardsOf([a]))
      yield* until(() => all.length === 40)
      yield* one.append(everybody.map((to, index) => mail(to, 40 + index)))
      yield* until(() => all.length === 80)
      assert.deepStrictEqual(
        payloads(all),
        Array.from({ length: 80 }, (_, index) => index)
      )
      const sequences = all.map(({ sequence }) => sequence)
      assert.deepStrictEqual(
        sequences,
        sequences.toSorted((x, y) => x - y)
      )
      assert.isTrue(all.every(({ to, shard }) => shardOf(to, SHARDS) === shard))
      yield* until(() => some.length > 0)
      assert.deepStrictEqual(payloads(some), payloads(all.filter(({ shard }) => shard === shardOf(a, SHARDS))))
    }
  ),

  "delivers of each shard what comes after the sequence given for it": Effect.gen(function* () {
    const log = yield* fresh
    yield* log.append([mail(a, "a1"), mail(elsewhere, "e1")])
    const middle = yield* log.append([mail(a, "a2"), mail(elsewhere, "e2")])
    yield* log.append([mail(a, "a3"), mail(elsewhere, "e3")])
    const after = new Map([
      [shardOf(a, SHARDS), middle],
      [shardOf(elsewhere, SHARDS), 0]
    ])
    const seen = yield* collect(log, after)
    yield* until(() => seen.length === 4)
    yield* aWhile
    assert.deepStrictEqual(payloads(seen), ["e1", "e2", "a3", "e3"])
  }),

  "delivers nothing but mail": Effect.gen(function* () {
    const log = yield* fresh
    const seen = yield* collect(log, shardsOf([a]))
    yield* log.append([record(a, 0, 1), { kind: "dead", owner: a, payload: "{}" }, mail(a, "mail")])
    yield* until(() => seen.length > 0)
    yield* aWhile
    assert.deepStrictEqual(payloads(seen), ["mail"])
  }),

  "keeps actors of a role in shards of their own": Effect.gen(function* () {
    const log = yield* fresh
    const [any, gpu] = [actor("same"), actor("same", "gpu")]
    const ofAny = yield* collect(log, shardsOf([any]))
    const ofGpu = yield* collect(log, shardsOf([gpu]))
    yield* log.append([mail(any, "any"), mail(gpu, "gpu")])
    yield* until(() => ofAny.length + ofGpu.length === 2)
    assert.deepStrictEqual(
      ofAny.map(({ to, payload }) => [to, payload]),
      [[any, '"any"']]
    )
    assert.deepStrictEqual(
      ofGpu.map(({ to, payload }) => [to, payload]),
      [[gpu, '"gpu"']]
    )
  }),

  "waits for what `deliver` asks it to wait for, and loses nothing meanwhile": Effect.gen(function* () {
    const log = yield* fresh
    const gate = yield* Latch.make(false)
    const seen: Array<unknown> = []
    yield* log.append(Array.from({ length: 1_000 }, (_, index) => mail(a, index)))
    yield* log.tail(shardsOf([a]), ({ payload }) => {
      seen.push(JSON.parse(payload))
      return seen.length === 10 ? gate.await : undefined
    })
    yield* until(() => seen.length >= 10)
    yield* log.append(Array.from({ length: 500 }, (_, index) => mail(a, 1_000 + index)))
    yield* aWhile
    assert.strictEqual(seen.length, 10)
    yield* gate.open
    yield* until(() => seen.length === 1_500)
    assert.deepStrictEqual(
      seen,
      Array.from({ length: 1_500 }, (_, index) => index)
    )
  }),

  "ends with its scope": Effect.gen(function* () {
    const log = yield* fresh
    const scope = yield* Scope.make()
    const seen = yield* collect(log, shardsOf([a])).pipe(Scope.provide(scope))
    yield* log.append([mail(a, 1)])
    yield* until(() => seen.length === 1)
    yield* Scope.close(scope, Exit.void)
    yield* log.append([mail(a, 2)])
    yield* aWhile
    assert.deepStrictEqual(payloads(seen), [1])
  }),

  "delivers nothing, and does not fail, for no shard at all": Effect.gen(function* () {
    const log = yield* fresh
    const seen = yield* collect(log, new Map())
    yield* log.append([mail(a, 1)])
    yield* aWhile
    assert.deepStrictEqual(seen, [])
  }),

  "delivers of a lane the mail of its type in that shard alone": Effect.gen(function* () {
    const log = yield* fresh
    const others = Array.from({ length: 100 }, (_, index) => ({ type: "other", id: `o${index}` }))
    const beside = others.find((each) => shardOf(each, SHARDS) === shardOf(a, SHARDS))!
    yield* log.append([mail(beside, 1), mail(a, 2), mail(elsewhere, 3)])
    const seen = yield* collect(log, new Map([[`${shardOf(a, SHARDS)}.${a.type}`, 0]]))
    yield* log.append([mail(a, 4), mail(beside, 5)])
    yield* until(() => seen.length === 2)
    yield* aWhile
    assert.deepStrictEqual(payloads(seen), [2, 4])
  }),

  "purges mail up to the sequence and not further, and of the role only": Effect.gen(function* () {
    const log = yield* fresh
    const gpu = actor("a", "gpu")
    const mark = yield* log.append([record(a, 0, 1), mail(gpu, "g"), mail(b, "b"), mail(a, "upto")])
    yield* log.append([mail(a, "beyond"), mail(gpu, "g2")])
    yield* log.purge(mark, "any")
    assert.deepStrictEqual(payloads(yield* log.readMail(a, 0, 10)), ["beyond"])
    assert.deepStrictEqual(yield* log.readMail(b, 0, 10), [])
    assert.deepStrictEqual(payloads(yield* log.readMail(gpu, 0, 10)), ["g", "g2"])
    assert.strictEqual((yield* log.readJournal(a)).length, 1)
    yield* log.purge(mark - 2, "gpu")
    assert.deepStrictEqual(payloads(yield* log.readMail(gpu, 0, 10)), ["g2"])
    yield* log.purge(mark, "any")
  }),

  "purges mail of one type up to the sequence, and spares whom it is told to": Effect.gen(function* () {
    const log = yield* fresh
    const gpu = actor("c", "gpu")
    const other = { type: "other", id: "a" }
    const many = Array.from({ length: 20 }, (_, index) => actor(`m${index}`))
    const mark = yield* log.append([
      mail(a, 1),
      mail(b, 2),
      mail(gpu, "g"),
      mail(other, 3),
      ...many.map((m) => mail(m, 4)),
      mail(a, 5)
    ])
    yield* log.append([mail(b, 6), mail(a, 7)])
    yield* log.purgeType(mark, "any", a.type, new Set([a.id]))
    assert.deepStrictEqual(payloads(yield* log.readMail(a, 0, 10)), [1, 5, 7])
    assert.deepStrictEqual(payloads(yield* log.readMail(b, 0, 10)), [6])
    assert.deepStrictEqual(payloads(yield* log.readMail(other, 0, 10)), [3])
    assert.deepStrictEqual(payloads(yield* log.readMail(gpu, 0, 10)), ["g"])
    for (const each of many) assert.deepStrictEqual(yield* log.readMail(each, 0, 10), [])
    yield* log.purgeType(mark, "any", a.type, new Set())
    assert.deepStrictEqual(payloads(yield* log.readMail(a, 0, 10)), [7])
    assert.deepStrictEqual(payloads(yield* log.readMail(other, 0, 10)), [3])
  }),

  "counts the mail of a role by its actors": Effect.gen(function* () {
    const log = yield* fresh
    const gpu = actor("a", "gpu")
    yield* log.append([mail(a, 1), mail(gpu, 2), mail(gpu, 3), mail(actor("b", "gpu"), 4)])
    assert.deepStrictEqual([...(yield* log.mailboxes("gpu"))].sort(), [
      ["thing/a", 2],
      ["thing/b", 1]
    ])
    assert.strictEqual((yield* log.mailboxes("nowhere")).size, 0)
  }),

  "delivers what comes after a purge, also when everything is purged": Effect.gen(function* () {
    const log = yield* fresh
    const last = yield* log.append([mail(a, 1), mail(a, 2)])
    yield* log.purge(last, "any")
    const seen = yield* collect(log, shardsOf([a]))
    const next = yield* log.append([mail(a, 3)])
    assert.strictEqual(next, last + 1)
    yield* until(() => seen.length === 1)
    assert.deepStrictEqual(payloads(seen), [3])
  })
}
