import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Actors } from "../../runtime/index.ts"
import { CounterProtocol } from "./counter.ts"

/** Tells and asks counters, and knows what they should have counted. */
export const counting = (keys: number) => {
  const expected = new Map<string, number>()
  let sent = 0
  const next = () => {
    const key = `k${sent % keys}`
    const n = (sent++ % 7) + 1
    expected.set(key, (expected.get(key) ?? 0) + n)
    return { key, n }
  }
  const many = <E>(count: number, send: Effect.Effect<unknown, E, Actors>) =>
    Effect.forEach(Array.from({ length: count }), () => send, { concurrency: 10, discard: true })
  return {
    tell: (count: number) =>
      many(
        count,
        Effect.suspend(() => {
          const { key, n } = next()
          return Actors.use((actors) => actors.tell(CounterProtocol, key, "Add", { n }))
        })
      ),
    ask: (count: number) =>
      many(
        count,
        Effect.suspend(() => {
          const { key, n } = next()
          return Actors.use((actors) => actors.ask(CounterProtocol, key, "Add", { n }, { timeout: "60 seconds" }))
        })
      ),
    /** Every counter holds what it was sent, and nothing twice. */
    verify: Effect.gen(function* () {
      const actors = yield* Actors
      const counts = yield* Effect.forEach(
        [...expected.keys()],
        (key) =>
          Effect.map(
            actors.ask(CounterProtocol, key, "Get", {}, { timeout: "30 seconds" }),
            (sum): readonly [string, number] => [key, sum]
          ),
        { concurrency: 20 }
      )
      assert.deepStrictEqual(new Map(counts), expected)
    })
  }
}
