import { assert } from "@effect/vitest"
import { Effect, Scope } from "effect"
import type { PublishedEvent } from "../../runtime/index.ts"
import { EventHarness, type EventTruths, freshEvents, range } from "./event-harness.ts"
import { actor, event, mail } from "./harness.ts"

/** Waits until something is so, ten seconds at most; what is asserted next says what it is instead. */
const until = (holds: () => boolean) =>
  Effect.gen(function* () {
    const { sleep } = yield* EventHarness
    for (let waited = 0; waited < 10_000 && !holds(); waited += 20) yield* sleep(20)
  })

/** What is true of events as they are stored. */
export const eventFollowing: EventTruths = {
  "shows each event of a pattern once and in order, from after the sequence that it returned": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    yield* append([event("a.b", "before")])
    const seen: Array<PublishedEvent> = []
    const from = yield* log.follow("a.*", (each) => void seen.push(each))
    for (const n of range(1, 50)) {
      yield* append([event("a.b", n), mail(actor("a"), n), event("b.b", n), event("a.c", n)])
    }
    yield* until(() => seen.length >= 100)
    const { found, last } = { found: seen, last: seen.at(-1)! }
    assert.lengthOf(found, 100)
    assert.isTrue(found.every(({ sequence }, index) => sequence > (found[index - 1]?.sequence ?? from)))
    assert.deepStrictEqual(
      found.map(({ subject, payload }) => `${subject} ${payload}`),
      range(1, 50).flatMap((n) => [`a.b ${n}`, `a.c ${n}`])
    )
    // Between what is stored and what is shown nothing is missing and nothing is twice.
    const stored = yield* log.history("a.*", { from: "sequence", sequence: from + 1 }).next(last.sequence)
    assert.deepStrictEqual(found.slice(0, stored.events.length), stored.events)
  }),

  "shows several readers the same, each what its pattern covers, until its scope closes": Effect.gen(function* () {
    const { append, log } = yield* freshEvents
    const { sleep } = yield* EventHarness
    const [all, some, ended]: [Array<string>, Array<string>, Array<string>] = [[], [], []]
    const scope = yield* Scope.make()
    yield* log.follow(">", ({ payload }) => void all.push(payload))
    yield* log.follow("a.b", ({ payload }) => void some.push(payload))
    yield* log.follow("a.*", ({ payload }) => void ended.push(payload)).pipe(Scope.provide(scope))
    yield* append([event("a.b", 1), event("a.b.c", 2)])
    yield* until(() => all.length === 2 && some.length === 1 && ended.length === 1)
    yield* Scope.close(scope, Effect.runSync(Effect.exit(Effect.void)))
    yield* append([event("a.b", 3)])
    yield* until(() => all.length === 3 && some.length === 2)
    yield* sleep(100)
    assert.deepStrictEqual([all, some, ended], [["1", "2", "3"], ["1", "3"], ["1"]])
  })
}
