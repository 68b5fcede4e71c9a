import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { makeFlowControl } from "../../runtime/engine/actor/flow-control.ts"

const MEBIBYTE = 1024 * 1024

describe("a node's room for messages", () => {
  for (const [what, count, characters] of [
    ["many", 20_000, 100],
    ["large", 70, MEBIBYTE]
  ] as const) {
    it.live(`holds back more when there are too ${what}, takes away what is stuck, and goes on at the half`, () =>
      Effect.gen(function* () {
        let shed = 0
        const room = makeFlowControl(() => shed++)
        for (let index = 0; index < count; index++) {
          assert.isTrue(room.room() === undefined || index * characters >= 64 * MEBIBYTE)
          room.opened(1, characters)
        }
        const waiting = yield* Effect.forkChild(room.room() ?? Effect.void)
        yield* Effect.sleep("250 millis")
        assert.isAtLeast(shed, 2)
        assert.isUndefined(waiting.pollUnsafe())
        for (let index = 0; index < Math.ceil(count * 0.55); index++) room.closed(1, characters)
        yield* Fiber.join(waiting)
        assert.isUndefined(room.room())
      })
    )
  }
})
