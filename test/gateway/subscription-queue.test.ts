import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { DeliveryTally, SubscriptionQueue } from "../../gateway/streams/subscription-queue.ts"

const TEXT = "x".repeat(10)

/** Fills an queue with room for `room` events of the subjects given, one a sequence. */
const filled = (onSlow: "close" | "drop" | "conflate", room: number, subjects: string) => {
  const tally = new DeliveryTally()
  const queue = new SubscriptionQueue({ onSlow, bytesMax: room * TEXT.length }, tally)
  const taken = [...subjects].map((subject, index) => queue.offer(subject, index + 1, `${TEXT}`))
  return { queue, taken, tally }
}

const drain = (queue: SubscriptionQueue) => {
  const all: Array<unknown> = []
  for (let next = queue.take(); next !== undefined; next = queue.take()) all.push("gap" in next ? next.gap : "event")
  return all
}

describe("what waits for a slow subscription", () => {
  it("drops the oldest, and tells how many before it goes on", () => {
    const { queue, tally } = filled("drop", 2, "abcde")
    assert.deepStrictEqual(tally.account, { produced: 5, sent: 0, dropped: 3, conflated: 0, waiting: 2 })
    assert.deepStrictEqual(drain(queue), [{ from: 1, to: 3, count: 3 }, "event", "event"])
    assert.deepStrictEqual(tally.account, { produced: 5, sent: 2, dropped: 3, conflated: 0, waiting: 0 })
  })

  it("keeps of each subject the newest, and drops only when there are too many subjects", () => {
    const { queue, tally } = filled("conflate", 2, "abababab")
    assert.deepStrictEqual(tally.account, { produced: 8, sent: 0, dropped: 0, conflated: 6, waiting: 2 })
    queue.offer("c", 9, TEXT)
    assert.deepStrictEqual(drain(queue), [{ from: 7, to: 7, count: 1 }, "event", "event"])
  })

  it("refuses where the policy is to close", () => {
    const { tally, taken } = filled("close", 2, "abc")
    assert.deepStrictEqual(taken, [true, true, false])
    assert.strictEqual(tally.account.dropped, 1)
  })

  it("takes one event that is larger than all its room", () => {
    const { queue } = filled("drop", 0.5, "a")
    assert.deepStrictEqual(drain(queue), ["event"])
  })

  it("keeps words about the subscription behind the events before them, and loses none", () => {
    const { queue } = filled("drop", 1, "ab")
    queue.say("words")
    queue.offer("c", 3, TEXT)
    assert.deepStrictEqual(
      [queue.take(), queue.take(), queue.take()],
      [{ gap: { from: 1, to: 2, count: 2 } }, { text: "words" }, { text: TEXT }]
    )
  })

  it("accounts for every event, in order, within its room, whatever comes and goes", () => {
    const steps = fc.array(fc.oneof(fc.constantFrom("a", "b", "c", "d"), fc.constant(undefined)), { maxLength: 60 })
    const policy = fc.constantFrom("drop" as const, "conflate" as const)
    fc.assert(
      fc.property(steps, policy, fc.integer({ min: 1, max: 5 }), (steps, onSlow, room) => {
        const tally = new DeliveryTally()
        const queue = new SubscriptionQueue({ onSlow, bytesMax: room * 10 }, tally)
        const newest = new Map<string, number>()
        const given: Array<number> = []
        let [produced, told, last] = [0, 0, 0]
        const take = () => {
          const next = queue.take()
          if (next === undefined) return false
          if ("gap" in next) {
            assert.isAbove(next.gap.from, last)
            last = next.gap.to
            told += next.gap.count
          } else {
            const sequence = Number(next.text)
            assert.isAbove(sequence, last)
            last = sequence
            given.push(sequence)
          }
          return true
        }
        for (const step of steps) {
          if (step === undefined) take()
          else {
            produced++
            newest.set(step, produced)
            queue.offer(step, produced, String(produced).padStart(10, "0"))
          }
          const { sent, dropped, conflated, waiting, ...account } = tally.account
          assert.strictEqual(sent + dropped + conflated + waiting, produced)
          assert.strictEqual(account.produced, produced)
          assert.isAtMost(queue.bytes, room * 10)
        }
        while (take()) {}
        const { sent, dropped, conflated } = tally.account
        assert.deepStrictEqual([sent, dropped, sent + dropped + conflated], [given.length, told, produced])
        if (onSlow === "drop") assert.strictEqual(conflated, 0)
        // With room for all subjects nothing is dropped, and the newest of each arrives.
        if (onSlow === "conflate" && room >= 4) {
          assert.strictEqual(dropped, 0)
          for (const sequence of newest.values()) assert.include(given, sequence)
        }
      })
    )
  })
})
