import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Probation } from "../../runtime/engine/probation.ts"
import { Probations } from "../../runtime/engine/probations.ts"
import type { Address, Mail } from "../../runtime/index.ts"
import { Leases } from "../../runtime/index.ts"
import { leasesOfOne } from "../support/leases.ts"

const mail = (id: string, sequence: number): Mail => ({
  to: { type: "a", id },
  shard: "any.0",
  sequence,
  time: 0,
  payload: "{}"
})

describe("the actors of a shard that was not given back", () => {
  it("wait, all of them, and are let through together; each gets its mail in order", () => {
    const probation = new Probation(new Map(), new Set())
    for (const [id, sequence] of [
      ["x", 1],
      ["y", 2],
      ["x", 3]
    ] as const) {
      assert.isTrue(probation.holds(`a/${id}`))
      probation.add(`a/${id}`, mail(id, sequence))
    }
    assert.deepStrictEqual(probation.next(), ["a/x", "a/y"])
    assert.deepStrictEqual(probation.undone, [
      ["a/x", 1],
      ["a/y", 2]
    ])
    assert.deepStrictEqual(
      probation.pass("a/x").map(({ sequence }) => sequence),
      [1, 3]
    )
    assert.isFalse(probation.holds("a/x"))
    assert.isTrue(probation.holds("a/z"))
    assert.strictEqual(probation.messages, 1)
    probation.end()
    assert.isFalse(probation.holds("a/z"))
  })

  it("wait where they are suspected: the least suspected are let through first, who is paused waits until the end", () => {
    const probation = new Probation(
      new Map([
        ["a/u", 2],
        ["a/v", 2],
        ["a/x", 1],
        ["a/y", 1],
        ["a/guilty", 3]
      ]),
      new Set(["a/guilty"])
    )
    assert.isFalse(probation.holds("a/z"))
    for (const id of ["guilty", "v", "y", "x", "u"]) probation.add(`a/${id}`, mail(id, 1))
    assert.deepStrictEqual(probation.next(), ["a/y", "a/x"])
    assert.deepStrictEqual(
      ["a/x", "a/v"].map((actor) => probation.isLast(actor)),
      [false, true]
    )
    for (const actor of ["a/x", "a/y"]) probation.pass(actor)
    assert.deepStrictEqual(probation.next(), ["a/v"], "alone")
    probation.pass("a/v")
    assert.deepStrictEqual(probation.next(), ["a/u"])
    assert.deepStrictEqual(probation.left, [["a/u", 2]])
    probation.pass("a/u")
    assert.deepStrictEqual(probation.next(), [])
    assert.isTrue(probation.holds("a/guilty"))
  })
})

/** A node that takes the shard after its owner ended; what is noted stays for the next one. */
const takeOver = (note: { text: string | undefined }, paused: Array<string>, actors: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const leases = yield* Leases.pipe(
      Effect.provide(
        leasesOfOne({
          inherited: () => Effect.sync(() => ({ note: note.text })),
          note: (_, text) =>
            Effect.sync(() => {
              note.text = text
            })
        })
      )
    )
    const fibers: Array<Fiber.Fiber<void>> = []
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    let now = 0
    const probations = new Probations({
      leases,
      now: () => 1_000,
      elapsed: () => (now += 1),
      fork: (effect) => fibers.push(fork(effect)),
      pause: ({ id }: Address) => Effect.sync(() => void paused.push(id))
    })
    yield* probations.taken("any.0")
    let probation: Probation | undefined
    const passed: Array<string> = []
    const shard = {
      name: "any.0",
      serving: true,
      test: (given: Probation) => {
        probation = given
        for (const id of actors) if (given.holds(`a/${id}`)) given.add(`a/${id}`, mail(id, 1))
        return true
      },
      pass: (actor: string) => {
        passed.push(actor)
        return probation?.pass(actor).at(-1)?.sequence ?? 0
      },
      // What ends the process never is.
      isDone: (actor: string) => actor !== "a/bad"
    }
    probations.begin(shard)
    return { passed, fibers }
  })

describe("who finds out which actor ends processes", () => {
  it.effect("knows after four of them, and pauses nobody else", () =>
    Effect.gen(function* () {
      const note = { text: undefined }
      const paused: Array<string> = []
      const next = (actors: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const { passed, fibers } = yield* takeOver(note, paused, actors)
          yield* TestClock.adjust("100 millis")
          yield* Effect.forEach(fibers, Fiber.interrupt)
          return passed
        })
      const crowd = Array.from({ length: 12 }, (_, index) => `i${index}`)
      const named = (ids: ReadonlyArray<string>) => ids.map((id) => `a/${id}`)
      // The first owner has ended. Each next one ends in the middle of the test of who is bad.
      assert.deepStrictEqual(yield* next([...crowd, "bad"]), named([...crowd, "bad"]), "all together")
      assert.deepStrictEqual(
        yield* next([...crowd.slice(0, 5), "bad", ...crowd.slice(5), "z"]),
        named([...crowd.slice(0, 5), "bad", ...crowd.slice(5, 7)]),
        "eight together; z was never suspected"
      )
      assert.deepStrictEqual(
        yield* next(["i0", "bad", ...crowd.slice(1)]),
        named([...crowd.slice(7), "i0", "bad"]),
        "first who is suspected least, then one by one"
      )
      assert.deepStrictEqual(paused, [])
      assert.deepStrictEqual(yield* next(["bad", "i1"]), ["a/i1"])
      assert.deepStrictEqual(paused, ["bad"])
    })
  )

  it.effect("blames nobody who was tested together with others, whatever ends their processes", () =>
    Effect.gen(function* () {
      const note = { text: undefined }
      const paused: Array<string> = []
      for (const last of ["x", "y"]) {
        // Another one is the first each time.
        const { fibers } = yield* takeOver(note, paused, ["bad", last])
        yield* TestClock.adjust("1 millis")
        yield* Effect.forEach(fibers, Fiber.interrupt)
      }
      yield* takeOver(note, paused, ["bad", "x", "y"])
      assert.deepStrictEqual(paused, [])
    })
  )
})
