import { assert, describe, it } from "@effect/vitest"
import { MUTANTS } from "../support/mutants/all.ts"
import { hunt } from "../support/mutants/hunt.ts"

/** Those that are noticed at once; `npm run sim:mutants` hunts all of them. */
const SOON = 20

describe("a defect of the runtime is noticed:", () => {
  for (const mutant of MUTANTS.filter(({ within, survives }) => within <= SOON && survives === undefined)) {
    it(mutant.defect, async () => {
      const { law = "no law", detail, runs } = await hunt(mutant)
      assert.match(law, mutant.laws, `${detail}, after ${runs} runs`)
    })
  }
})
