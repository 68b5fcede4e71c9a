import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Subscriber } from "../../gateway/streams/catch-up.ts"
import type { EncodedEvent } from "../../gateway/streams/encode.ts"
import { makeFanout } from "../../gateway/streams/fanout.ts"
import { makeFakeLog } from "../support/fake-log.ts"

const listener = () => {
  const events: Array<EncodedEvent | "joined"> = []
  const subscriber: Subscriber = {
    joined: () => events.push("joined"),
    deliver: (came) => events.push(...came),
    missing: () => assert.fail("nothing is missing"),
    broken: () => {},
    caughtUp: () => assert.fail("there was no history"),
    hold: () => {},
    ready: Effect.void
  }
  const sequences = () => events.flatMap((event) => (event === "joined" ? [] : [event.sequence]))
  return { events, subscriber, sequences }
}

const world = Effect.gen(function* () {
  const log = makeFakeLog()
  const fanout = yield* makeFanout(undefined, undefined, (act) => act()).pipe(Effect.provide(log.layer))
  const join = Effect.fnUntraced(function* (pattern: string) {
    const scope = yield* Scope.make()
    const heard = listener()
    yield* Scope.provide(fanout.subscribe(pattern, "new", heard.subscriber), scope)
    return { ...heard, leave: Scope.close(scope, Exit.void) }
  })
  return { log, fanout, join }
})

describe("the fanout", () => {
  it.effect("watches one pattern once, however many want it, and stops with the last", () =>
    Effect.gen(function* () {
      const { log, fanout, join } = yield* world
      const first = yield* join("decision.*.*")
      const second = yield* join("decision.*.*")
      assert.deepStrictEqual(log.watching(), ["decision.*.*"])
      assert.deepStrictEqual(fanout.status(), { subscriptions: 2, watches: 1 })
      yield* first.leave
      assert.deepStrictEqual(log.watching(), ["decision.*.*"])
      log.publish("decision.A.b", "agent_decision", {})
      yield* second.leave
      assert.deepStrictEqual(log.watching(), [])
      assert.deepStrictEqual(fanout.status(), { subscriptions: 0, watches: 0 })
      log.publish("decision.A.b", "agent_decision", {})
      assert.deepStrictEqual([first.sequences(), second.sequences()], [[], [1]])
      yield* join("decision.*.*")
      assert.deepStrictEqual([log.watching(), log.opened()], [["decision.*.*"], 2])
    })
  )

  it.effect("gives an event once to who joins after it came and before the turn ends", () =>
    Effect.gen(function* () {
      const log = makeFakeLog()
      const ending: Array<() => void> = []
      const endTurn = () => {
        for (const act of ending.splice(0)) act()
      }
      const fanout = yield* makeFanout(undefined, undefined, (act) => ending.push(act)).pipe(Effect.provide(log.layer))
      const [early, late, behind, gone] = [listener(), listener(), listener(), listener()]
      const catching = { ...behind.subscriber, caughtUp: () => {} }
      yield* fanout.subscribe("a.*", "new", early.subscriber)
      const scope = yield* Scope.make()
      yield* Scope.provide(fanout.subscribe("a.*", "new", gone.subscriber), scope)
      log.publish("a.b", "t", {})
      log.publish("a.b", "t", {})
      yield* fanout.subscribe("a.*", "new", late.subscriber)
      yield* fanout.subscribe("a.*", { seq: 2 }, catching)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual([early.sequences(), behind.sequences()], [[], [2]])
      endTurn()
      log.publish("a.b", "t", {})
      endTurn()
      assert.deepStrictEqual(
        [early.sequences(), late.sequences(), behind.sequences(), gone.sequences()],
        [[1, 2, 3], [3], [2, 3], []]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("joins before the first event, and writes an event once for all", () =>
    Effect.gen(function* () {
      const { log, join } = yield* world
      const both = [yield* join("a.*"), yield* join("*.b")]
      log.publish("a.b", "alert", { text: "é\n" })
      const [one, two] = both.map(({ events }) => events)
      assert.strictEqual(one?.[0], "joined")
      assert.deepStrictEqual(one?.[1], {
        subject: "a.b",
        sequence: 1,
        opening: '{"type":"alert","seq":1,"subject":"a.b","data":{"text":"é\\n"}'
      })
      assert.deepStrictEqual(log.watching(), ["*.b", "a.*"])
      assert.strictEqual(one?.[1], two?.[1], "the second watch got another text of the same event")
    })
  )

  it.effect("gives an event once per subscription, in order, whatever overlaps", () =>
    Effect.gen(function* () {
      const { log, join } = yield* world
      const narrowFirst = yield* join("decision.A.x")
      const everything = yield* join(">")
      const covered = yield* join("decision.*.x")
      const across = yield* join("*.A.*")
      for (const subject of ["decision.A.x", "decision.B.x", "tool.A.x", "decision.A.y"]) log.publish(subject, "t", {})
      assert.deepStrictEqual(narrowFirst.sequences(), [1])
      assert.deepStrictEqual(everything.sequences(), [1, 2, 3, 4])
      assert.deepStrictEqual(covered.sequences(), [1, 2])
      assert.deepStrictEqual(across.sequences(), [1, 3, 4])
      assert.deepStrictEqual(log.watching(), [">", "decision.A.x"], "a covered pattern got a watch of its own")
    })
  )

  it.effect("keeps a wide watch while a narrow subscription lives on it", () =>
    Effect.gen(function* () {
      const { log, join } = yield* world
      const wide = yield* join("decision.>")
      const narrow = yield* join("decision.A.*")
      yield* wide.leave
      log.publish("decision.A.x", "t", {})
      log.publish("decision.B.x", "t", {})
      assert.deepStrictEqual([wide.sequences(), narrow.sequences()], [[], [1]])
      yield* narrow.leave
      assert.deepStrictEqual(log.watching(), [])
    })
  )

  it.effect("reads the log by few readers, however many patterns are wanted", () =>
    Effect.gen(function* () {
      const { log, join } = yield* world
      const all = yield* Effect.forEach(Array.from({ length: 200 }).keys(), (index) => join(`decision.S${index}.*`), {
        concurrency: "unbounded"
      })
      assert.isAtMost(log.watching().length, 17)
      for (const index of all.keys()) log.publish(`decision.S${index}.a`, "t", {})
      assert.deepStrictEqual(
        all.map(({ sequences }) => sequences()),
        all.map((_, index) => [index + 1])
      )
      yield* Effect.forEach(all, ({ leave }) => leave)
      assert.deepStrictEqual(log.watching(), [])
    })
  )

  it.effect("lets one client want so many patterns and no more, on whatever connections, and others as many", () =>
    Effect.gen(function* () {
      const log = makeFakeLog()
      const limits = { patternsMax: 5, patternsPerClientMax: 2 }
      const fanout = yield* makeFanout(undefined, limits, (act) => act()).pipe(Effect.provide(log.layer))
      const want = (pattern: string, client?: string) =>
        Effect.result(fanout.subscribe(pattern, "new", listener().subscriber, client))
      const scope = yield* Scope.make()
      yield* Scope.provide(want("a.1", "mallory"), scope)
      yield* want("a.2", "mallory")
      yield* want("a.2", "mallory")
      const refused = yield* Effect.flip(fanout.subscribe("a.3", "new", listener().subscriber, "mallory"))
      assert.deepInclude(refused, { _tag: "TooManyPatterns", of: "client", limit: 2 })
      assert.match(refused.message, /GATEWAY_PATTERNS_PER_CLIENT/)
      for (const pattern of ["b.1", "b.2"]) assert.strictEqual((yield* want(pattern, "ada"))._tag, "Success")
      yield* want("c.1")
      assert.deepInclude(yield* Effect.flip(fanout.subscribe("c.2", "new", listener().subscriber)), { of: "all" })
      assert.strictEqual((yield* want("a.1", "grace"))._tag, "Success", "it is read already")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* want("b.1", "mallory"))._tag, "Success")
    }).pipe(Effect.scoped)
  )

  it.effect("skips a payload that is no event, says so once, and goes on", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const capture = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
      yield* Effect.gen(function* () {
        const { log, join } = yield* world
        const one = yield* join("a.*")
        const two = yield* join("*.b")
        const payloads = ["{", "", "null", "[]", '{"type":"t"}', '{"type":1,"data":{}}', '{"type":"t","data":3}']
        for (const payload of payloads) log.publishPayload("a.b", payload)
        const sequence = log.publish("a.b", "t", {})
        assert.deepStrictEqual([one.sequences(), two.sequences()], [[sequence], [sequence]])
        yield* Effect.yieldNow
        assert.strictEqual(lines.length, payloads.length)
      }).pipe(Effect.provide(capture))
    })
  )

  it.effect("gives the others their events where one throws, and tells that one", () =>
    Effect.gen(function* () {
      const { log, fanout, join } = yield* world
      const first = yield* join("a.>")
      const broken: Array<unknown> = []
      const throwing: Subscriber = {
        ...listener().subscriber,
        deliver: () => {
          throw new Error("the socket is gone")
        },
        broken: (cause) => broken.push(String(cause))
      }
      yield* fanout.subscribe("a.>", "new", throwing)
      const last = yield* join("a.>")
      log.publish("a.b", "t", {})
      log.publish("a.b", "t", {})
      assert.deepStrictEqual(
        [first.sequences(), last.sequences()],
        [
          [1, 2],
          [1, 2]
        ]
      )
      assert.deepStrictEqual(broken, ["Error: the socket is gone"])
    }).pipe(Effect.scoped)
  )

  it.effect("opens a reader as soon as the log answers", () =>
    Effect.gen(function* () {
      const { log, join } = yield* world
      log.setBroken(true)
      const joining = yield* Effect.forkChild(join("a.>"))
      yield* TestClock.adjust("150 millis")
      log.setBroken(false)
      yield* TestClock.adjust("1 seconds")
      const { sequences } = yield* Fiber.join(joining)
      log.publish("a.b", "t", {})
      assert.deepStrictEqual(sequences(), [1])
    })
  )

  it.effect("fails when the log cannot be watched, and works once it can", () =>
    Effect.gen(function* () {
      const { log, fanout, join } = yield* world
      log.setBroken(true)
      const failing = yield* Effect.forkChild(
        Effect.flip(Effect.scoped(fanout.subscribe("a.>", "new", listener().subscriber)))
      )
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(failing))._tag, "LogUnavailable")
      assert.deepStrictEqual(fanout.status(), { subscriptions: 0, watches: 0 })
      log.setBroken(false)
      const later = yield* join("a.>")
      log.publish("a.b", "t", {})
      assert.deepStrictEqual(later.sequences(), [1])
    })
  )
})
