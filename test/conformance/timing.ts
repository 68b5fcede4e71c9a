import { assert } from "@effect/vitest"
import { Effect } from "effect"
import {
  actor,
  aWhile,
  collect,
  failure,
  fired,
  fresh,
  Harness,
  mail,
  payloads,
  record,
  shardsOf,
  type Truths,
  timer,
  until,
  untimer
} from "./harness.ts"

const a = actor("a")
const b = actor("b")

/** How late a timer may be, in milliseconds: a server looks at its schedules about once a second. */
const LATE_MAX = 2_000

/** A log, the mail of `a` and `b` as it comes, and the time. */
const watched = Effect.gen(function* () {
  const log = yield* fresh
  const seen = yield* collect(log, shardsOf([a, b]))
  const { now } = yield* Harness
  return { log, seen, now: yield* now }
})

const past = Harness.use(({ sleep }) => sleep(LATE_MAX))

/** What is true of timers. */
export const timing: Truths = {
  "fires a timer once into its owner's mailbox, not before its time": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([timer(a, "t", now + 800, { n: 1 })])
    yield* until(() => seen.length > 0)
    assert.deepStrictEqual(
      seen.map(({ to, payload }) => [to, payload]),
      [[a, '{"n":1}']]
    )
    assert.isAtLeast(seen[0]!.time, now + 800 - 1)
    assert.isBelow(seen[0]!.time, now + 800 + LATE_MAX)
    yield* past
    assert.strictEqual(seen.length, 1)
  }),

  "fires a timer of the past at once": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([timer(a, "t", now - 3_600_000, 1)])
    yield* log.append([timer(a, "epoch", 0, 2), mail(b, 3)])
    yield* until(() => seen.length === 3, LATE_MAX)
    assert.sameMembers([...payloads(seen)], [1, 2, 3])
  }),

  "keeps timers of other names and of other actors apart": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([
      timer(a, "t", now + 200, "a t"),
      timer(a, "u", now + 300, "a u"),
      timer(b, "t", now + 400, "b t")
    ])
    yield* until(() => seen.length === 3)
    assert.sameMembers([...payloads(seen)], ["a t", "a u", "b t"])
  }),

  "replaces a timer that is set again": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([timer(a, "t", now + 600, "first")])
    yield* log.append([timer(a, "t", now + 900, "second"), record(a, 0, 1)])
    yield* until(() => seen.length > 0)
    yield* past
    assert.deepStrictEqual(payloads(seen), ["second"])
  }),

  "sets a timer again after it fired": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([timer(a, "t", now, 1)])
    yield* until(() => seen.length === 1)
    yield* log.append([timer(a, "t", now, 2)])
    yield* until(() => seen.length === 2)
    assert.deepStrictEqual(payloads(seen), [1, 2])
  }),

  "does not fire a timer that was removed, alone or in a group": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([
      timer(a, "alone", now + 700, 1),
      timer(a, "grouped", now + 700, 2),
      timer(a, "kept", now + 700, 3)
    ])
    yield* log.append([untimer(a, "alone")])
    yield* log.append([record(a, 0, 1), untimer(a, "grouped"), mail(b, "mail")])
    yield* until(() => seen.length === 2)
    yield* past
    assert.deepStrictEqual(payloads(seen), ["mail", 3])
  }),

  "does not fire what a node fired before it: with a record, and by itself, and again": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    const names = ["with", "beside", "alone", "kept"]
    yield* log.append(names.map((name) => timer(a, name, now + 700, name)))
    yield* log.append([record(a, 0, 1, { unschedules: "with" }), fired(a, "beside"), mail(b, "mail")])
    yield* log.append([fired(a, "alone")])
    yield* log.append([fired(a, "alone")])
    yield* until(() => seen.length === 2)
    yield* past
    assert.deepStrictEqual(payloads(seen), ["mail", "kept"])
    yield* log.append([timer(a, "alone", now, "anew")])
    yield* until(() => seen.length === 3)
    yield* log.append([fired(a, "alone"), untimer(a, "with")])
  }),

  "takes the removal of a timer that there is not, and the timer may be set afterwards": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([untimer(a, "t")])
    yield* log.append([timer(a, "t", now + 300, 1)])
    yield* until(() => seen.length === 1)
    assert.deepStrictEqual(payloads(seen), [1])
    yield* log.append([untimer(a, "t")])
  }),

  "keeps a timer that was set soon after its removal": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([timer(a, "t", now + 60_000, "old")])
    yield* log.append([untimer(a, "t")])
    yield* log.append([timer(a, "t", now + 2_500, "new")])
    yield* until(() => seen.length === 1)
    assert.deepStrictEqual(payloads(seen), ["new"])
  }),

  "sets and removes no timer of a group that it refused": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    yield* log.append([timer(a, "kept", now + 500, "kept")])
    const stale = record(b, 99, 1)
    assert.strictEqual(yield* failure(log.append([timer(a, "no", now, 1), untimer(a, "kept"), stale])), "Fenced")
    yield* until(() => seen.length > 0)
    yield* aWhile
    assert.deepStrictEqual(payloads(seen), ["kept"])
  }),

  "takes one word on each timer in a group: a second one is refused with the whole group": Effect.gen(function* () {
    const { log, seen, now } = yield* watched
    const groups = [
      [timer(a, "t", now, 1), timer(a, "t", now, 2)],
      [timer(a, "t", now, 1), untimer(a, "t")],
      [untimer(a, "t"), timer(a, "t", now, 1)],
      [untimer(a, "t"), untimer(a, "t")]
    ]
    const refusals = yield* Effect.forEach(groups, (group) => failure(log.append([mail(b, 1), ...group])))
    assert.deepStrictEqual(refusals, ["LogRefused", "LogRefused", "LogRefused", "LogRefused"])
    yield* aWhile
    assert.deepStrictEqual(seen, [])
  })
}
