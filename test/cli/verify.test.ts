import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { verifyConsensus } from "../../cli/verify.ts"
import { type Inspection, Operators } from "../../runtime/index.ts"
import { openRound, ROUND } from "../support/open-round.ts"

/** As many records as a round has that somebody looked at again and again: each look is a step, and so a record. */
const LOOKS = 20_000

describe("conclave verify", () => {
  it.effect("reads the whole journal, however often the round was looked at", () =>
    Effect.gen(function* () {
      const { vote, journal } = openRound()
      for (const type of ["market_analyst", "risk_advisor", "oracle"]) vote(type, "BUY", 0.9)
      const events = journal()
      const records = Array.from({ length: LOOKS }, (_, index) => ({
        sequence: index + 1,
        content: { previous: index },
        steps: [{ time: 0, events: [] }]
      }))
      const inspection = { address: { type: "consensus", id: ROUND }, fault: undefined }
      const steps = events.map(({ _tag, data, time }) => ({ time, events: [{ _tag, data }] }))
      const all: ReadonlyArray<unknown> = [{ ...records[0], steps }, ...records.slice(1)]
      const operators = Layer.mock(Operators, {
        inspect: (_, { last = 10 } = {}) => {
          const found: unknown = { ...inspection, records: all.slice(-last) }
          // Only what verifying reads of an inspection.
          return Effect.succeed(found as Inspection)
        }
      })
      const found = yield* Effect.flatMap(Operators, (service) => verifyConsensus(service, ROUND)).pipe(
        Effect.provide(operators)
      )
      assert.deepStrictEqual([found.differences, found.equal, found.words], [[], true, 3])
    })
  )
})
