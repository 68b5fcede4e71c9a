import { assert } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { PublishedEvent } from "../../runtime/index.ts"
import { actor, aWhile, event, fresh, freshPair, type Log, mail, record, type Truths, until } from "./harness.ts"

const a = actor("a")

const watching = (log: Log, pattern: string) =>
  Effect.gen(function* () {
    const seen: Array<PublishedEvent> = []
    yield* log.watch(pattern, (each) => seen.push(each))
    return seen
  })

const subjects = (events: ReadonlyArray<PublishedEvent>) => events.map(({ subject }) => subject)

/** What is true of what others see: events, answers, ids. */
export const outside: Truths = {
  "shows an event once it is stored, with its sequence, to every process that watches": Effect.gen(function* () {
    const [one, two] = yield* freshPair
    const [mine, other] = [yield* watching(one, "market.AAPL"), yield* watching(two, "market.AAPL")]
    const last = yield* one.append([mail(a, 1), event("market.AAPL", { price: 1 }), mail(a, 2)])
    yield* until(() => mine.length + other.length === 2)
    const expected = [{ subject: "market.AAPL", sequence: last - 1, payload: '{"price":1}' }]
    assert.deepStrictEqual([mine, other], [expected, expected])
  }),

  "shows events of a group in order, and those of earlier groups before them": Effect.gen(function* () {
    const log = yield* fresh
    const seen = yield* watching(log, ">")
    for (let round = 0; round < 10; round++) {
      yield* log.append(Array.from({ length: 20 }, (_, index) => event(`e.${round * 20 + index}`, 0)))
    }
    yield* until(() => seen.length === 200)
    assert.deepStrictEqual(
      subjects(seen),
      Array.from({ length: 200 }, (_, index) => `e.${index}`)
    )
  }),

  "shows no event of a group that is refused": Effect.gen(function* () {
    const log = yield* fresh
    const seen = yield* watching(log, ">")
    yield* Effect.flip(log.append([event("before", 1), record(a, 99, "stale"), event("after", 1)]))
    yield* Effect.flip(log.append([event("alone", 1), record(a, 99, "stale")]))
    yield* log.append([event("good", 1)])
    yield* until(() => seen.length > 0)
    yield* aWhile
    assert.deepStrictEqual(subjects(seen), ["good"])
  }),

  "takes * for one token of a subject and > for all that follow": Effect.gen(function* () {
    const log = yield* fresh
    const patterns = [">", "a.>", "a.*", "a.*.c", "*.b", "a.b"]
    const seen = yield* Effect.forEach(patterns, (pattern) => watching(log, pattern))
    yield* log.append(["a.b", "a.b.c", "a", "x.b", "a.x"].map((subject) => event(subject, 0)))
    yield* until(() => seen[0]!.length === 5)
    yield* aWhile
    assert.deepStrictEqual(seen.map(subjects), [
      ["a.b", "a.b.c", "a", "x.b", "a.x"],
      ["a.b", "a.b.c", "a.x"],
      ["a.b", "a.x"],
      ["a.b.c"],
      ["a.b", "x.b"],
      ["a.b"]
    ])
  }),

  "shows neither mail nor records nor dead letters as events": Effect.gen(function* () {
    const log = yield* fresh
    const seen = yield* watching(log, ">")
    yield* log.append([mail(a, 1), record(a, 0, 1), { kind: "dead", owner: a, payload: "{}" }])
    yield* aWhile
    assert.deepStrictEqual(seen, [])
  }),

  "stops showing events with the scope, and goes on after what a watcher throws": Effect.gen(function* () {
    const log = yield* fresh
    const scope = yield* Scope.make()
    let thrown = 0
    yield* log.watch(">", () => {
      thrown++
      throw new Error("a watcher's own")
    })
    const seen = yield* watching(log, ">").pipe(Scope.provide(scope))
    yield* log.append([event("one", 1)])
    yield* log.append([event("two", 1)])
    yield* until(() => seen.length === 2 && thrown === 2)
    yield* Scope.close(scope, Exit.void)
    yield* log.append([event("three", 1)])
    yield* until(() => thrown === 3)
    assert.deepStrictEqual([subjects(seen), thrown], [["one", "two"], 3])
  }),

  "brings an answer to the inbox that it is for, and to nobody else": Effect.gen(function* () {
    const [one, two] = yield* freshPair
    assert.notStrictEqual(one.inbox, two.inbox)
    const [ofOne, ofTwo]: [Array<string>, Array<string>] = [[], []]
    yield* one.answers((payload) => ofOne.push(payload))
    yield* two.answers((payload) => ofTwo.push(payload))
    two.answer(one.inbox, "from two")
    one.answer(one.inbox, "from one")
    yield* until(() => ofOne.length === 2)
    yield* aWhile
    assert.sameMembers(ofOne, ["from two", "from one"])
    assert.deepStrictEqual(ofTwo, [])
  }),

  "loses an answer quietly that nobody waits for, or whose inbox is none": Effect.gen(function* () {
    const log = yield* fresh
    const got: Array<string> = []
    for (const inbox of ["nobody.here", "", "not an inbox", "*", ">"]) log.answer(inbox, "lost")
    yield* log.answers((payload) => got.push(payload))
    log.answer(log.inbox, "found")
    yield* until(() => got.length > 0)
    assert.deepStrictEqual(got, ["found"])
  }),

  "gives ids that nobody was given before, in any process": Effect.gen(function* () {
    const logs = yield* freshPair
    const ids = logs.flatMap((log) => Array.from({ length: 5_000 }, () => log.newId()))
    assert.strictEqual(new Set(ids).size, 10_000)
  }),

  "takes dead letters, and says that it answers": Effect.gen(function* () {
    const log = yield* fresh
    yield* log.check
    const first = yield* log.append([{ kind: "dead", owner: a, payload: '{"cause":"x"}' }])
    const last = yield* log.append([mail(a, 1), { kind: "dead", owner: a, payload: '{"cause":"y"}' }])
    assert.strictEqual(last, first + 2)
  })
}
