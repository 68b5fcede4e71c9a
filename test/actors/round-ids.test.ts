import { assert, describe, it } from "@effect/vitest"
import { isRequestedRound } from "../../actors/consensus/opened-at.ts"
import { newId, newRequestedId } from "../../actors/coordinator/analysis.ts"

describe("the id of a round", () => {
  it("says that somebody asked for it where somebody did, and by no chance otherwise", () => {
    // The library takes the last character of its alphabet for what is nearly 1.
    const drawing = (...drawn: ReadonlyArray<number>) => {
      let count = 0
      return { time: 1, random: () => drawn[count++] ?? 0.5 }
    }
    const almost = [0.99, 0.99, 0.99]
    assert.isFalse(isRequestedRound(newId(drawing(...almost, ...Array(13).fill(0.1), ...almost))))
    const fair = newId(drawing())
    assert.isFalse(isRequestedRound(fair))
    assert.strictEqual(newId(drawing(0.99, 0.99)).slice(10, 13), `ZZ${fair[12]}`)
    assert.isTrue(isRequestedRound(newRequestedId(drawing())))
  })
})
