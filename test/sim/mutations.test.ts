import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { ledgerScenario, runWorld } from "../../sim/index.ts"
import { DEFECTS } from "../support/defects.ts"

/** A defect is to be noticed within so many runs that pass without it. */
const RUNS_MAX = 80

describe("a defect is noticed:", () => {
  const sound: Array<number> = []
  const table: Array<string> = []

  beforeAll(() => {
    for (let seed = 1; sound.length < RUNS_MAX; seed++) {
      if (runWorld({ seed, scenario: ledgerScenario }).breaches.length === 0) sound.push(seed)
    }
  })

  afterAll(() => console.log(table.join("\n")))

  for (const [defect, { law, make }] of Object.entries(DEFECTS)) {
    it(defect, () => {
      for (const [index, seed] of sound.entries()) {
        const { breaches } = runWorld({ seed, scenario: ledgerScenario, disguise: make() })
        const breach = breaches.find((each) => law.test(each.law))
        if (breach === undefined) continue
        table.push(`${defect}: after ${index + 1} runs, seed ${seed}: ${breach.law}: ${breach.detail.slice(0, 160)}`)
        return
      }
      assert.fail(`not noticed in ${RUNS_MAX} runs`)
    })
  }
})
