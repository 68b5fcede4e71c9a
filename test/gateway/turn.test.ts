import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeMicrotaskBatch } from "../../gateway/microtask-batch.ts"
import { makeBatch } from "../../gateway/socket/batch.ts"

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const broken = (): never => {
  throw new Error("broken")
}

describe("the end of a turn", () => {
  it.live("does all that is due, whatever one of it throws", () =>
    Effect.gen(function* () {
      const done: Array<number> = []
      const later = makeMicrotaskBatch()
      later(() => done.push(1))
      later(broken)
      later(() => done.push(2))
      yield* turn
      later(() => done.push(3))
      yield* turn
      assert.deepStrictEqual(done, [1, 2, 3])
    })
  )

  it.live("tells the client of a write that throws", () =>
    Effect.gen(function* () {
      const causes: Array<unknown> = []
      const sink = { write: () => {}, bufferedBytes: () => 0, roomAgain: () => {}, cork: broken }
      const batch = makeBatch({ ...sink, broken: (cause) => causes.push(String(cause)) }, 1_000, makeMicrotaskBatch())
      batch.send("frame")
      yield* turn
      assert.deepStrictEqual(causes, ["Error: broken"])
    })
  )
})
