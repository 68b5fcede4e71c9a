import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import * as fc from "fast-check"
import type { Missing, Subscriber } from "../../gateway/streams/catch-up.ts"
import { makeFanout } from "../../gateway/streams/fanout.ts"
import type { Start } from "../../protocols/index.ts"
import { makeFakeLog, matches } from "../support/fake-log.ts"

const SUBJECTS = ["a.x", "a.y", "b.x"]

const listener = (ready: Effect.Effect<void> = Effect.void) => {
  const sequences: Array<number> = []
  const said: Array<string | Missing> = []
  const subscriber: Subscriber = {
    joined: (position) => said.push(`joined ${position}`),
    deliver: (events) => sequences.push(...events.map(({ sequence }) => sequence)),
    missing: (missing) => said.push(missing),
    broken: () => {},
    hold: () => {},
    caughtUp: (position) => said.push(`caught up ${position}`),
    ready
  }
  return { sequences, said, subscriber }
}

const makeWorld = Effect.fnUntraced(function* (ringEvents: number) {
  const log = makeFakeLog()
  const fanout = yield* makeFanout({ events: ringEvents, characters: 10_000 }, undefined, (act) => act()).pipe(
    Effect.provide(log.layer)
  )
  const scope = yield* Scope.make()
  const join = (pattern: string, start: Start, ready?: Effect.Effect<void>) => {
    const heard = listener(ready)
    return Effect.as(Scope.provide(fanout.subscribe(pattern, start, heard.subscriber), scope), heard)
  }
  const publish = (subject: string) => log.publish(subject, "t", {})
  return { log, fanout, join, publish, leave: Scope.close(scope, Exit.void) }
})
const world = makeWorld(1_000)

describe("catching up", () => {
  it.effect("gives what is stored from a sequence on, then what comes", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      for (let count = 0; count < 10; count++) publish(SUBJECTS[count % 3]!)
      const { sequences, said } = yield* join("a.*", { seq: 4 })
      assert.deepStrictEqual(sequences, [4, 5, 7, 8, 10])
      assert.deepStrictEqual(said, ["joined 3", "caught up 10"])
      assert.isAbove(log.pages(), 1)
      publish("b.x")
      publish("a.x")
      assert.deepStrictEqual(sequences.at(-1), 12)
    })
  )

  it.effect("asks the log for nothing where somebody follows the pattern and little was missed", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      yield* join(">", "new")
      for (let count = 0; count < 5; count++) publish("a.x")
      const { sequences, said } = yield* join("a.>", { seq: 3 })
      assert.deepStrictEqual(
        [sequences, said],
        [
          [3, 4, 5],
          ["joined 2", "caught up 5"]
        ]
      )
      assert.strictEqual(log.pages(), 0)
    })
  )

  it.effect("gives the newest event of each subject, or what is as young as a time", () =>
    Effect.gen(function* () {
      const { join, publish } = yield* world
      for (const subject of ["a.x", "a.y", "a.x", "b.x", "a.x"]) publish(subject)
      assert.deepStrictEqual((yield* join("a.*", "last")).sequences, [2, 5])
      assert.deepStrictEqual((yield* join("a.*", { time: "2000-01-01T00:00:00Z" })).sequences, [1, 2, 3, 5])
      const none = yield* join("a.*", { time: "2100-01-01T00:00:00Z" })
      assert.deepStrictEqual([none.sequences, none.said.length], [[], 2])
      publish("a.y")
      assert.deepStrictEqual(none.sequences, [6])
    })
  )

  it.effect("says what is gone, and what was never there", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      for (let count = 0; count < 6; count++) publish("a.x")
      log.expire(4)
      const late = yield* join("a.*", { seq: 2 })
      assert.deepStrictEqual(late.said, ["joined 1", { reason: "expired", from: 2, to: 4 }, "caught up 6"])
      assert.deepStrictEqual(late.sequences, [5, 6])
      assert.deepStrictEqual((yield* join("a.*", { seq: 1 })).said, ["joined 0", "caught up 6"])
      const ahead = yield* join("a.*", { seq: 100 })
      assert.deepStrictEqual(ahead.said, ["joined 99", { reason: "ahead", from: 7, to: 99 }, "caught up 6"])
      publish("a.x")
      assert.deepStrictEqual(ahead.sequences, [7])
    })
  )

  it.effect("gives nothing twice to a client that was ahead of this gateway", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      yield* join("a.*", "new")
      log.skip()
      log.skip()
      const { sequences, said } = yield* join("a.*", { seq: 3 })
      assert.deepStrictEqual(said, ["joined 2", "caught up 2"])
      publish("a.x")
      assert.deepStrictEqual(sequences, [3])
    })
  )

  it.effect("reads no page before the client can take it", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      for (let count = 0; count < 10; count++) publish("a.x")
      let turns = 1
      const ready = Effect.suspend(() => (turns-- > 0 ? Effect.void : Effect.never))
      const joining = yield* Effect.forkChild(join("a.*", { seq: 1 }, ready))
      for (let count = 0; count < 20; count++) yield* Effect.yieldNow
      assert.strictEqual(log.pages(), 1)
      yield* Fiber.interrupt(joining)
    })
  )

  it.live("tries again when the log does not answer, and goes on where it was", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      for (let count = 0; count < 10; count++) publish("a.x")
      let left = 2
      log.onPage((when) => {
        if (when === "after" && left-- === 1) log.setBroken(true)
      })
      yield* Effect.forkChild(
        Effect.delay(
          Effect.sync(() => log.setBroken(false)),
          "50 millis"
        )
      )
      const { sequences } = yield* join("a.*", { seq: 1 })
      assert.deepStrictEqual(sequences, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    })
  )

  it.live("asks the log again where not even its beginning could be read", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* world
      yield* join("b.*", "new")
      publish("b.x")
      publish("b.x")
      log.expire(1)
      log.setBroken(true)
      yield* Effect.forkChild(
        Effect.delay(
          Effect.sync(() => log.setBroken(false)),
          "50 millis"
        )
      )
      const { sequences, said } = yield* join("b.*", { seq: 100 })
      assert.deepStrictEqual(said, ["joined 99", { reason: "ahead", from: 3, to: 99 }, "caught up 2"])
      publish("b.x")
      assert.deepStrictEqual(sequences, [3])
    })
  )

  it.live("does not believe a copy of the log that is behind what it has seen", () =>
    Effect.gen(function* () {
      const { log, join, publish } = yield* makeWorld(2)
      yield* join("a.*", "new")
      for (let count = 0; count < 10; count++) publish("a.x")
      log.hold(4)
      const joining = yield* Effect.forkChild(join("a.*", { seq: 1 }))
      yield* Effect.sleep("50 millis")
      publish("a.x")
      log.hold()
      const { sequences, said } = yield* Fiber.join(joining)
      assert.deepStrictEqual(sequences, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      assert.deepStrictEqual(said, ["joined 0", "caught up 11"])
    })
  )

  it.effect("is without gap or repeat whatever is stored meanwhile, under whatever patterns", () =>
    Effect.gen(function* () {
      const patterns = [">", "a.*", "*.x", "a.x"]
      const subjects = fc.array(fc.constantFrom(...SUBJECTS), { maxLength: 20 })
      const cases = fc.record({
        before: subjects,
        others: fc.array(fc.constantFrom(...patterns), { maxLength: 2 }),
        between: subjects,
        during: fc.array(subjects, { maxLength: 12 }),
        pattern: fc.constantFrom(...patterns),
        ring: fc.integer({ min: 0, max: 20 }),
        seq: fc.integer({ min: 1, max: 30 })
      })
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(cases, ({ before, others, between, during, pattern, ring, seq }) =>
            Effect.runPromise(
              Effect.gen(function* () {
                const { log, join, publish, leave } = yield* makeWorld(ring)
                const all: Array<string> = []
                const store = (list: ReadonlyArray<string>) => {
                  for (const subject of list) {
                    publish(subject)
                    all.push(subject)
                  }
                }
                store(before)
                for (const other of others) yield* join(other, "new")
                store(between)
                let turn = 0
                log.onPage(() => store(during[turn++] ?? []))
                const asked = Math.min(seq, all.length + 1)
                const { sequences, said } = yield* join(pattern, { seq: asked })
                store(["a.x", "b.x", "a.y"])
                const wanted = all.flatMap((subject, index) =>
                  index + 1 >= asked && matches(pattern, subject) ? [index + 1] : []
                )
                assert.deepStrictEqual(sequences, wanted)
                assert.strictEqual(said.length, 2)
                yield* leave
              }).pipe(Effect.scoped)
            )
          )
        )
      )
    })
  )
})
