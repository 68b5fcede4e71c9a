import { assert, describe, it } from "@effect/vitest"
import { isRequestedRound } from "../../actors/consensus/opened-at.ts"
import { newId, newRequestedId } from "../../actors/coordinator/analysis.ts"

describe("the id of a round", () => {
  it("says that somebody asked for it where somebody did, and by no chance otherwise", () => {
    // Nearly 1 is the last character of the alphabet, and the last characters are drawn first.
    const drawing = (...drawn: ReadonlyArray<number>) => {
      let count = 0
      return { time: 1, random: () => drawn[count++] ?? 0.5 }
    }
    const most = Array(13).fill(0.1)
    assert.strictEqual(newId(drawing(...most, 0.5, 0.99, 0.99)).slice(10, 13), "ZZG")
    const again = newId(drawing(...most, 0.99, 0.99, 0.99))
    assert.deepStrictEqual([again.slice(10, 13), isRequestedRound(again)], ["GGG", false])
    assert.isTrue(isRequestedRound(newRequestedId(drawing())))
  })
})
