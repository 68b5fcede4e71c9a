import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { EventHarness, type EventTruths, freshEvents, PATIENCE, range, readAll } from "./event-harness.ts"
import { actor, event, mail, record } from "./harness.ts"

/** More than is given at a time of the newest events. */
const SUBJECTS = 1_100
const LARGE = "x".repeat(300_000)

/** What is true of reading stored events. */
export const eventReading: EventTruths = {
  "reads the events of a pattern and nothing else, oldest first, as they were stored": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    const last = yield* append([
      event("a.b", 1),
      mail(actor("a"), "mail"),
      event("a.c", 2),
      record(actor("a"), 0, "journal"),
      event("b.b", 3),
      event("a.b", 4)
    ])
    const first = last - 5
    const { found } = yield* readAll(log, "a.*", { from: "sequence", sequence: 1 }, last)
    assert.deepStrictEqual(found, [
      { subject: "a.b", sequence: first, payload: "1" },
      { subject: "a.c", sequence: first + 2, payload: "2" },
      { subject: "a.b", sequence: last, payload: "4" }
    ])
    const sequencesOf = (pattern: string) =>
      Effect.map(readAll(log, pattern, { from: "sequence", sequence: 1 }, last), ({ sequences }) => sequences)
    assert.deepStrictEqual(yield* sequencesOf(">"), [first, first + 2, first + 4, last])
    assert.deepStrictEqual(yield* sequencesOf("*.b"), [first, first + 4, last])
    assert.deepStrictEqual(yield* sequencesOf("a.c"), [first + 2])
    assert.deepStrictEqual(yield* sequencesOf("a"), [])
  }),

  "reads from a sequence or the first after it, and from a time": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    const { sleep, now } = yield* EventHarness
    yield* append([event("a.b", 1), event("a.c", 2)])
    const second = yield* append([event("a.b", 3)])
    yield* sleep(20)
    const between = yield* now
    yield* sleep(20)
    const last = yield* append([event("a.b", 4), event("a.b", 5)])
    const from = (sequence: number) =>
      Effect.map(readAll(log, "a.b", { from: "sequence", sequence }, last), ({ sequences }) => sequences)
    assert.deepStrictEqual(yield* from(second - 1), [second, last - 1, last])
    assert.deepStrictEqual(yield* from(last), [last])
    assert.deepStrictEqual(yield* from(last + 1), [])
    const since = yield* readAll(log, "a.b", { from: "time", time: between }, last)
    assert.deepStrictEqual(since.sequences, [last - 1, last])
    const future = yield* readAll(log, "a.b", { from: "time", time: between + 3_600_000 }, last)
    assert.deepStrictEqual(future.sequences, [])
  }),

  "gives the newest event of each subject in the order of the log, then what is stored later": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    const subjects = range(1, SUBJECTS).map((n) => `many.s${n}`)
    for (let from = 0; from < SUBJECTS; from += 500) {
      yield* append(subjects.slice(from, from + 500).map((subject) => event(subject, 1)))
    }
    const again = yield* append(
      subjects
        .slice(0, 400)
        .toReversed()
        .map((subject) => event(subject, 2))
    )
    const { found, history } = yield* readAll(log, "many.*", { from: "last" }, again)
    assert.deepStrictEqual(
      found.map(({ subject }) => subject),
      [...subjects.slice(400), ...subjects.slice(0, 400).toReversed()]
    )
    const more = yield* append([event("many.s7", 3)])
    const next = yield* Effect.retry(history.next(more), PATIENCE)
    assert.deepStrictEqual(next, { events: [{ subject: "many.s7", sequence: more, payload: "3" }], complete: true })
  }),

  "reads large events piece by piece and holds no more than a piece": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    let last = 0
    for (const name of range(1, 6)) last = yield* append([event(`large.s${name}`, LARGE)])
    for (const start of [{ from: "sequence", sequence: 1 }, { from: "last" }] as const) {
      const history = log.history("large.*", start)
      const given: Array<number> = []
      for (let complete = false; !complete; ) {
        const page = yield* Effect.retry(history.next(last), PATIENCE)
        assert.isAtMost(page.events.length, 1)
        given.push(...page.events.map(({ sequence }) => sequence))
        complete = page.complete
        assert.isAtMost(history.heldBytes(), 1_500_000)
      }
      assert.deepStrictEqual(given, range(last - 5, last))
    }
  }),

  "says from which sequence on all events are kept, and which is the last of the log": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    assert.isTrue(yield* Effect.map(log.kept(">"), ({ first, last }) => first === last + 1))
    const first = yield* append([event("a.b", 1)])
    const last = yield* append([event("a.c", 2), mail(actor("a"), 1)])
    assert.deepStrictEqual(yield* log.kept("a.*"), { first, last })
  }),

  "calls nothing complete that a copy which is behind has not": Effect.gen(function* () {
    const { append, log, namespace } = yield* freshEvents
    const { whileBehind } = yield* EventHarness
    const before = yield* append([event("a.s0", 0), event("b.b", 0)])
    const opened = log.history("a.*", { from: "sequence", sequence: 1 })
    yield* Effect.retry(opened.next(before), PATIENCE)
    const wanted = range(1, 12)
    const stored = yield* whileBehind(
      namespace,
      Effect.forEach(wanted, (n) => append([event(`a.s${n}`, LARGE)]))
    )
    const last = stored.at(-1)!
    assert.strictEqual((yield* log.kept("a.*")).last, last)
    const going: Array<number> = []
    for (let complete = false; !complete; ) {
      const page = yield* Effect.retry(opened.next(last), PATIENCE)
      going.push(...page.events.map(({ sequence }) => sequence))
      complete = page.complete
    }
    assert.deepStrictEqual(going, stored)
    for (const start of [{ from: "last" }, { from: "sequence", sequence: before + 1 }] as const) {
      const { sequences } = yield* readAll(log, "a.*", start, last)
      assert.deepStrictEqual(
        sequences.filter((sequence) => sequence > before),
        stored
      )
    }
  })
}
