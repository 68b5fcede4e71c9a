import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runChaos } from "../support/chaos.ts"
import { real, saw } from "../support/long.ts"

const SECONDS = 120

describe("three nodes on three servers, of which one after the other fails for two minutes", () => {
  it.live("give each message that was accepted exactly one effect, in order", () =>
    real(
      Effect.gen(function* () {
        const seed = Math.floor(Math.random() * 1_000_000)
        const { complaints, totals, faults } = yield* Effect.orDie(runChaos({ seed, seconds: SECONDS, say: saw }))
        yield* saw(`seed ${seed}: ${totals.accepted} accepted, ${JSON.stringify(faults)}`)
        assert.deepStrictEqual(complaints, [], `npm run chaos -- --minutes 2 --seed ${seed}`)
        assert.isAbove(totals.accepted, 100)
      })
    )
  )
})
