import { assert, describe, it } from "@effect/vitest"
import { Trials } from "../../runtime/engine/quarantine/trials.ts"

const address = { type: "cart", id: "a" }
const MINUTE = 60_000

const makeTrials = () => {
  const clock = { now: 0 }
  return { clock, trials: new Trials(() => clock.now) }
}

describe("an actor that the runtime paused is tried again", () => {
  it("at once by a process that has not tried it, then after waits that double up to an hour", () => {
    const { clock, trials } = makeTrials()
    assert.isTrue(trials.allows(address))
    const waits = Array.from({ length: 8 }, () => {
      const wait = trials.failed(address, false)
      assert.isFalse(trials.allows(address))
      clock.now += wait - 1
      assert.isFalse(trials.allows(address))
      clock.now += 1
      assert.isTrue(trials.allows(address))
      return wait / MINUTE
    })
    assert.deepStrictEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60])
  })

  it("at once again after somebody resumed it, but not because its pause is still on its way", () => {
    const { trials } = makeTrials()
    trials.failed(address, false)
    trials.keep(() => false)
    assert.isFalse(trials.allows(address), "it was not seen to be paused yet")
    trials.keep((actor) => actor === "cart/a")
    assert.isFalse(trials.allows(address))
    trials.keep(() => false)
    assert.isTrue(trials.allows(address))
    assert.strictEqual(trials.failed(address, true), MINUTE)
    trials.keep(() => false)
    assert.isTrue(trials.allows(address))
  })
})
