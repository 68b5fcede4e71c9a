import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { MUTANTS } from "../support/mutants/all.ts"
import { hunt } from "../support/mutants/hunt.ts"

/** Those that are noticed at once; `npm run sim:mutants` hunts all of them. */
const SOON = 20

it("every defect has one place in the source", () => {
  const astray = MUTANTS.filter(
    ({ file, from }) => readFileSync(join(import.meta.dirname, "..", "..", file), "utf8").split(from).length !== 2
  )
  assert.deepStrictEqual(
    astray.map(({ defect }) => defect),
    []
  )
})

describe("a defect of the runtime is noticed:", () => {
  for (const mutant of MUTANTS.filter(({ within, survives }) => within <= SOON && survives === undefined)) {
    it(mutant.defect, async () => {
      const { law = "no law", detail, runs } = await hunt(mutant)
      assert.match(law, mutant.laws, `${detail}, after ${runs} runs`)
    })
  }
})
