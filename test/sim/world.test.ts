import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random } from "effect"
import { FAULT_KINDS, ledgerScenario, type RunReport, runCampaign, runWorld } from "../../sim/index.ts"
import { isKnown, KNOWN } from "./known.ts"

const FRESH_MILLIS = 15_000

const storyOf = (seed: number): string => {
  const hash = createHash("sha256")
  runWorld({ seed, scenario: ledgerScenario, trace: (line) => hash.update(`${line}\n`) })
  return hash.digest("hex")
}

const tell = (reports: ReadonlyArray<RunReport>): ReadonlyArray<string> =>
  reports.flatMap(({ seed, breaches }) =>
    breaches.filter((breach) => !isKnown(breach)).map(({ law, detail }) => `seed ${seed}: ${law}: ${detail}`)
  )

describe("a world", () => {
  it("is the same for the same seed, byte for byte, and another for another", () => {
    const stories = [1, 2, 3, 4, 5].map(storyOf)
    assert.deepStrictEqual([1, 2, 3, 4, 5].map(storyOf), stories)
    assert.strictEqual(new Set(stories).size, 5)
  })

  it("tells the same whether somebody listens or not", () => {
    const quiet = runWorld({ seed: 7, scenario: ledgerScenario })
    const told = runWorld({ seed: 7, scenario: ledgerScenario, trace: () => undefined })
    assert.deepStrictEqual([told.happenings, told.commits], [quiet.happenings, quiet.commits])
  })

  it.effect("keeps every law where nothing goes wrong", () =>
    Effect.gen(function* () {
      const none = yield* runCampaign({
        seed: 1,
        scenario: ledgerScenario,
        faults: new Set(),
        goesOn: ({ runs }) => Effect.succeed(runs < 40)
      })
      assert.deepStrictEqual(
        none.broken.flatMap(({ breaches }) => breaches),
        []
      )
      assert.isAbove(none.messages, 400)
      assert.strictEqual(none.coverage.hits.size, 0)
    })
  )

  it.live("keeps every law under every fault, with seeds that nobody has seen", () =>
    Effect.gen(function* () {
      const seed = yield* Random.nextIntBetween(0, 1_000_000_000)
      const until = (yield* Clock.currentTimeMillis) + FRESH_MILLIS
      const goesOn = Effect.map(Clock.currentTimeMillis, (now) => now < until)
      const campaign = yield* runCampaign({ seed, scenario: ledgerScenario, goesOn: () => goesOn })
      const { runs, messages, coverage, broken } = campaign
      console.log(
        `simulated ${runs} runs from seed ${seed} on: ${messages} messages, ${broken.length} show known defects`
      )
      assert.deepStrictEqual(tell(broken), [])
      assert.strictEqual(coverage.hits.size, FAULT_KINDS.length)
      assert.isAbove(coverage.pairs.size, 50)
    })
  )
})

describe("of the defects that were found", () => {
  for (const { defect, seeds, shows } of KNOWN) {
    for (const seed of seeds) {
      // Once it is mended this fails: then the entry goes, and the seed stays as a test that passes.
      it.fails(`is mended: ${defect}, seed ${seed}`, () => {
        const { breaches } = runWorld({ seed, scenario: ledgerScenario })
        assert.isFalse(breaches.some(shows))
      })
    }
  }
})
