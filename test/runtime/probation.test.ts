import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Probation } from "../../runtime/engine/recovery/probation.ts"
import { Probations } from "../../runtime/engine/recovery/probations.ts"
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
      ["a/x", "a/v"].map((actor) => probation.isAlone(actor)),
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
  const takingOver = () => {
    const note = { text: undefined }
    const paused: Array<string> = []
    const next = (ids: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const { passed, fibers } = yield* takeOver(note, paused, ids)
        yield* TestClock.adjust("100 millis")
        yield* Effect.forEach(fibers, Fiber.interrupt)
        return passed.map((actor) => actor.slice(2))
      })
    return { next, paused }
  }

  it.effect("knows after four of them where few waited, and pauses nobody else", () =>
    Effect.gen(function* () {
      const { next, paused } = takingOver()
      // The first owner has ended. Each next one ends in the middle of the test of who is bad.
      assert.deepStrictEqual(yield* next(["x", "bad", "y"]), ["x", "bad", "y"])
      assert.deepStrictEqual(yield* next(["bad", "x", "z"]), ["bad"], "the others wait, and z was never suspected")
      assert.deepStrictEqual(yield* next(["bad", "x"]), ["x", "bad"], "the most suspected last, and once more alone")
      assert.deepStrictEqual(paused, [])
      assert.deepStrictEqual(yield* next(["bad", "x"]), [], "x is suspected no more, and need not wait")
      assert.deepStrictEqual(paused, ["bad"])
    })
  )

  it.effect("knows after five of them where many waited, and tests who is suspected most last", () =>
    Effect.gen(function* () {
      const { next, paused } = takingOver()
      const crowd = Array.from({ length: 12 }, (_, index) => `i${index}`)
      const [before, after] = [crowd.slice(0, 5), crowd.slice(5)]
      assert.deepStrictEqual(yield* next([...crowd, "bad"]), [...crowd, "bad"], "all together")
      const met = [...before, "bad", "i5", "i6"]
      assert.deepStrictEqual(yield* next([...before, "bad", ...after]), met, "four together, twice")
      assert.deepStrictEqual(
        yield* next(["i4", "bad", ...after]),
        ["i7", "i8", "i9", "i10", "i11", "i4", "bad"],
        "together, and then one by one"
      )
      assert.deepStrictEqual(yield* next(["bad", "i5"]), ["i5", "bad"])
      assert.deepStrictEqual(paused, [])
      assert.deepStrictEqual(yield* next(["bad", "i5"]), [])
      assert.deepStrictEqual(paused, ["bad"])
    })
  )
})
