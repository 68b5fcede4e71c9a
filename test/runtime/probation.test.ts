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

  it("wait where they are suspected, and are let through one by one; who is paused waits until the end", () => {
    const probation = new Probation(
      new Map([
        ["a/x", 1],
        ["a/y", 1],
        ["a/guilty", 2]
      ]),
      new Set(["a/guilty"])
    )
    assert.isFalse(probation.holds("a/z"))
    for (const id of ["guilty", "y", "x"]) probation.add(`a/${id}`, mail(id, 1))
    assert.deepStrictEqual(probation.next(), ["a/y"])
    probation.pass("a/y")
    assert.deepStrictEqual(probation.next(), ["a/x"])
    assert.deepStrictEqual(probation.left, [["a/x", 1]])
    probation.pass("a/x")
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
      // It never ends: the process does.
      isDone: () => false
    }
    probations.begin(shard)
    return { passed, fibers }
  })

describe("who finds out which actor ends processes", () => {
  it.effect("knows after three of them, and pauses nobody else", () =>
    Effect.gen(function* () {
      const note = { text: undefined }
      const paused: Array<string> = []
      // The first owner has ended. Each next one ends in the middle of its first test.
      const first = yield* takeOver(note, paused, ["x", "bad", "y"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(first.passed, ["a/x", "a/bad", "a/y"])
      yield* Effect.forEach(first.fibers, Fiber.interrupt)
      const second = yield* takeOver(note, paused, ["bad", "x", "z"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(second.passed, ["a/bad"], "the others wait, and z was never suspected")
      yield* Effect.forEach(second.fibers, Fiber.interrupt)
      assert.deepStrictEqual(paused, [])
      const third = yield* takeOver(note, paused, ["bad", "x"])
      assert.deepStrictEqual(paused, ["bad"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(third.passed, ["a/x"])
      yield* Effect.forEach(third.fibers, Fiber.interrupt)
    })
  )
})
