import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schema } from "effect"
import { ActorLog, Actors } from "../../runtime/index.ts"
import { layerInMemory } from "../../sim/index.ts"

const Protocol = { type: "desk", messages: { Note: { payload: Schema.Struct({}) } } } as const
const HOUR_MILLIS = 3_600_000

/** A clock of the day that can be set, as an operator or a time server does. */
const settable = (clock: Clock.Clock) => {
  let ahead = 0
  const millis = () => clock.currentTimeMillisUnsafe() + ahead
  return {
    set: (by: number) => {
      ahead += by
    },
    clock: {
      ...clock,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      sleep: (duration: Parameters<Clock.Clock["sleep"]>[0]) => clock.sleep(duration)
    }
  }
}

describe("a clock that is set back", () => {
  it.live("does not make a sender wait for an actor that had too much mail", () =>
    Effect.gen(function* () {
      const { clock, set } = settable(yield* Clock.Clock)
      const told = Effect.gen(function* () {
        const actors = yield* Actors
        const log = yield* ActorLog
        log.broadcast(JSON.stringify({ actor: "desk/a", waiting: 9, retry_after_ms: 300 }))
        yield* Effect.sleep("50 millis")
        const before = yield* Effect.flip(actors.tell(Protocol, "a", "Note", {}))
        assert.strictEqual(before._tag, "MailboxFull")
        set(-HOUR_MILLIS)
        yield* Effect.sleep("500 millis")
        yield* actors.tell(Protocol, "a", "Note", {})
      })
      const layer = Actors.layer.pipe(Layer.provideMerge(layerInMemory({ shards: 4, ttlMillis: 1_000 })))
      yield* told.pipe(Effect.provide(layer), Effect.provideService(Clock.Clock, clock))
    })
  )
})
