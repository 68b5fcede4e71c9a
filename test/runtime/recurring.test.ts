import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Recurring } from "../../runtime/index.ts"

const collected = () => {
  const lines: Array<string> = []
  const capture = Logger.layer([
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`))
  ])
  return { lines, capture }
}

describe("what recurs", () => {
  it.effect(
    "is said at once, then every 30 seconds at most with how often it came, and at once again after its end",
    () => {
      const { lines, capture } = collected()
      return Effect.gen(function* () {
        const recurring = new Recurring()
        for (let second = 0; second < 40; second++) {
          yield* recurring.say("Warn", "no answer", { second })
          yield* TestClock.adjust("1 second")
        }
        yield* recurring.say("Error", "something else", {})
        recurring.over("no answer")
        yield* recurring.say("Warn", "no answer", { second: 40 })
        assert.deepStrictEqual(lines, [
          'Warn ["no answer",{"second":0}]',
          'Warn ["no answer",{"second":30,"times":30}]',
          'Error ["something else",{}]',
          'Warn ["no answer",{"second":40}]'
        ])
      }).pipe(Effect.provide(capture))
    }
  )
})
