import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runChaos } from "../support/chaos.ts"
import { real, saw } from "../support/long.ts"

const give = (minutes: number, outside: boolean) =>
  real(
    Effect.gen(function* () {
      const seed = Math.floor(Math.random() * 1_000_000)
      const chaos = runChaos({ seed, seconds: minutes * 60, say: saw, outside })
      const { complaints, totals, faults } = yield* Effect.orDie(chaos)
      yield* saw(`seed ${seed}: ${totals.accepted} accepted, ${JSON.stringify(faults)}`)
      const again = `npm run chaos -- --minutes ${minutes} --seed ${seed}${outside ? " --outside" : ""}`
      assert.deepStrictEqual(complaints, [], again)
      assert.isAbove(totals.accepted, 100)
    })
  )

describe("three nodes on three servers, of which one after the other fails", () => {
  it.live("give each message that was accepted exactly one effect, in order, in two minutes", () => give(2, false))

  it.live("do so too where nodes store what is sent by who may not, in one", () => give(1, true))
})
