import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { LogTime } from "../../runtime/engine/commit/log-time.ts"

/** Messages that are stored some time after another, and are given to the node some time after they were stored. */
const messages = fc.array(fc.record({ after: fc.nat(5_000), waited: fc.nat(8_000) }), { minLength: 1, maxLength: 40 })
/** The log's time less the node's. */
const OFFSET = 1_700_000_000_000

describe("what a node knows of the log's time", () => {
  it("is never later than it is, and as late as each message of the last ten seconds tells", () => {
    fc.assert(
      fc.property(messages, (drawn) => {
        const time = new LogTime()
        const seen: Array<{ stored: number; now: number }> = []
        let stored = 0
        let now = 0
        for (const { after, waited } of drawn) {
          stored += after
          now = Math.max(now, stored + waited)
          time.met(OFFSET + stored, now)
          seen.push({ stored, now })
          const known = time.atLeast(now) - OFFSET
          assert.isAtMost(known, now)
          for (const each of seen.filter((one) => now - one.now < 10_000)) {
            assert.isAtLeast(known, each.stored + (now - each.now))
          }
        }
      })
    )
  })

  it("is nothing before a message was met, and follows a clock that was set back after some twenty seconds", () => {
    const time = new LogTime()
    assert.strictEqual(time.atLeast(5), Number.NEGATIVE_INFINITY)
    time.met(OFFSET, 0)
    for (let now = 1_000; now <= 22_000; now += 1_000) time.met(OFFSET + now - 60_000, now)
    assert.strictEqual(time.atLeast(22_000), OFFSET - 38_000)
  })
})
