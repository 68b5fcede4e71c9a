import { assert, describe, it } from "@effect/vitest"
import { Buckets } from "../../gateway/admission/bucket.ts"
import { Offences } from "../../gateway/admission/offences.ts"
import { sparing } from "../../gateway/http/sparing.ts"
import { defaultLimits } from "../../gateway/policy.ts"
import { type FrameAdmission, Meter } from "../../gateway/socket/meter.ts"

const limits = { ...defaultLimits, operationsPerSecond: 10, bytesPerSecond: 1_000, frameBytesMax: 800 }
const many = (count: number, act: () => FrameAdmission) => Array.from({ length: count }, act)

describe("what one client sends", () => {
  it("is read at its rate of frames, ten at once and then one every hundred milliseconds", () => {
    const meter = new Meter(limits, 0)
    const came = (now: number) => meter.came(1, true, now)
    assert.deepStrictEqual(new Set(many(10, () => came(0))), new Set(["read"]))
    assert.deepStrictEqual([came(0), came(99), came(100), came(101)], ["too_many", "too_many", "read", "too_many"])
    assert.deepStrictEqual(new Set(many(10, () => came(60_000))), new Set(["read"]))
    assert.strictEqual(came(60_000), "too_many")
  })

  it("is read at its rate of bytes, and a whole frame after a pause", () => {
    const meter = new Meter({ ...limits, bytesPerSecond: 100 }, 0)
    const came = (bytes: number, now: number) => meter.came(bytes, true, now)
    assert.deepStrictEqual(
      [came(800, 0), came(84, 0), came(84, 999), came(84, 1_000)],
      ["read", "too_fast", "too_fast", "read"]
    )
  })

  it("is refused some times, and then no more answered, whatever it is refused for", () => {
    const meter = new Meter(limits, 0)
    const verdicts = many(31, () => meter.came(1, true, 0))
    assert.deepStrictEqual([verdicts[29], verdicts[30]], ["too_many", "over"])
    const faulty = new Meter(limits, 0)
    const refused = Array.from({ length: 21 }, () => faulty.refused(0))
    assert.deepStrictEqual([refused.indexOf(false), faulty.refused(1_999), faulty.refused(2_000)], [20, false, true])
  })

  it("is answered by actors, and read from the log, at rates of their own", () => {
    const meter = new Meter({ ...limits, asksPerSecond: 2, historiesPerSecond: 1, subscriptionsMax: 3 }, 0)
    const asks = Array.from({ length: 33 }, () => meter.spend("ask", 0))
    assert.deepStrictEqual([asks.indexOf(false), meter.spend("ask", 499), meter.spend("ask", 500)], [32, false, true])
    const histories = Array.from({ length: 4 }, () => meter.spend("history", 0))
    assert.deepStrictEqual([histories, meter.spend("history", 1_000)], [[true, true, true, false], true])
  })

  it("is little before it is known who it is", () => {
    const meter = new Meter({ ...limits, unauthenticatedBytesMax: 100 }, 0)
    const verdicts = [meter.came(34, false, 0), meter.came(34, false, 0), meter.came(0, false, 0)]
    assert.deepStrictEqual(verdicts, ["read", "read", "unauthenticated"])
    assert.strictEqual(meter.came(500, true, 0), "read")
  })
})

describe("who was refused too often", () => {
  it("has to wait before another connection, and longer the longer it goes on", () => {
    const offences = new Offences()
    const add = (count: number, now: number) => {
      for (let index = 0; index < count; index++) offences.add("a", now)
    }
    add(9, 0)
    assert.isFalse(offences.has("a", 0))
    add(1, 0)
    assert.deepStrictEqual([offences.has("a", 0), offences.has("b", 0), offences.has("a", 500)], [true, false, false])
    add(1_000, 1_000)
    assert.deepStrictEqual([offences.has("a", 5_999), offences.has("a", 6_001)], [true, false])
  })
})

describe("a rate for each of many", () => {
  it("may be for amounts, and have more at once than comes in a second", () => {
    const buckets = new Buckets(10, 100)
    assert.deepStrictEqual(
      [buckets.take("a", 0, 90), buckets.take("a", 0, 20), buckets.take("b", 0, 100)],
      [true, false, true]
    )
    // Nobody is forgotten, and full again, before its time.
    assert.deepStrictEqual([buckets.take("a", 2_000, 40), buckets.take("a", 2_000, 30)], [false, true])
  })
})

describe("many who have a rate each", () => {
  it("are no more than ten thousand, of whom the one who took longest ago is as good as new", () => {
    const buckets = new Buckets(1, 1_000)
    assert.isTrue(buckets.take("first", 0, 1_000))
    assert.isFalse(buckets.take("first", 1, 1_000))
    for (let count = 0; count < 10_000; count++) buckets.take(String(count), 2, 1_000)
    assert.deepStrictEqual([buckets.take("9999", 3, 1_000), buckets.take("first", 3, 1_000)], [false, true])
  })
})

describe("what costs something to make", () => {
  it("is made anew for a twentieth of the time at most, however often it is asked for", () => {
    let [now, made] = [0, 0]
    const page = sparing(
      () => {
        now += 50
        return ++made
      },
      () => now
    )
    assert.deepStrictEqual([page(), page()], [1, 1])
    now += 999
    assert.strictEqual(page(), 1)
    now += 1
    assert.strictEqual(page(), 2)
  })
})
