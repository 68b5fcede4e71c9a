import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Delivery } from "../../gateway/streams/delivery.ts"
import { QueueMemory } from "../../gateway/streams/queue-memory.ts"
import { Ring } from "../../gateway/streams/ring.ts"

const limits = { pendingBytesMax: 100_000, socketBytesMax: 10 }
const eventOf = (sequence: number, bytes: number) => ({ subject: "s", sequence, opening: "x".repeat(bytes) })

/** The queue of a client that reads nothing. */
const stuck = (queueMemory: QueueMemory, onSlow: "close" | "drop", bytesMax = limits.pendingBytesMax) => {
  const told: Array<string> = []
  const socket = { send: () => {}, pendingBytes: () => limits.socketBytesMax, close: () => {} }
  const delivery = new Delivery(socket, limits, queueMemory, (_, why) => {
    told.push(why)
    channel.end()
    delivery.end()
  })
  const channel = delivery.open({ id: "s", onSlow, bytesMax })
  let sequence = 0
  const deliver = (count: number, bytes = 1_000) => {
    for (let index = 0; index < count; index++) channel.deliver([eventOf(++sequence, bytes)])
  }
  return { delivery, deliver, told, account: () => delivery.account, hold: channel.hold }
}

describe("what is kept for those who come back", () => {
  it("is no more for all patterns together than it may be, and nothing is left out of what a ring says it has", () => {
    const room = { held: 0, most: 10_000 }
    const rings = Array.from({ length: 5 }, () => new Ring(0, 1_000, 8_000, room))
    for (let sequence = 1; sequence <= 500; sequence++) {
      for (const [index, ring] of rings.entries()) if (sequence % (index + 1) === 0) ring.add(eventOf(sequence, 100))
      assert.isAtMost(room.held, 10_000)
    }
    for (const [index, ring] of rings.entries()) {
      const kept = [...ring.after(ring.floor)].map(({ sequence }) => sequence)
      const all = Array.from({ length: 500 }, (_, at) => at + 1).filter((sequence) => sequence % (index + 1) === 0)
      assert.deepStrictEqual(
        kept,
        all.filter((sequence) => sequence > ring.floor)
      )
      assert.isAbove(kept.length, 0)
      ring.end()
    }
    assert.strictEqual(room.held, 0)
  })
})

describe("the memory of all queues", () => {
  it("is never more than may be, and those who have least of it keep what they have", () => {
    const queueMemory = new QueueMemory(50_000)
    const small = stuck(queueMemory, "drop")
    small.deliver(3)
    const large = [stuck(queueMemory, "drop"), stuck(queueMemory, "drop")]
    for (let round = 0; round < 200; round++) {
      for (const each of large) each.deliver(1)
      assert.isAtMost(queueMemory.bytes, 50_000)
    }
    assert.deepStrictEqual(small.account(), { produced: 3, sent: 0, dropped: 0, conflated: 0, waiting: 3 })
    const [one, other] = large.map(({ delivery }) => delivery.waitingBytes)
    assert.isAbove(Math.min(one!, other!), 15_000)
  })

  it("is had by closing where nothing may be dropped", () => {
    const queueMemory = new QueueMemory(20_000)
    const reader = stuck(queueMemory, "drop")
    const closing = stuck(queueMemory, "close")
    reader.deliver(2)
    closing.deliver(20)
    assert.deepStrictEqual([closing.told, reader.told], [["crowded"], []])
    assert.isBelow(queueMemory.bytes, 3_000)
  })

  it("counts the places of events as well: small ones cost more than their bytes", () => {
    const queueMemory = new QueueMemory(1_000_000)
    const { deliver, account } = stuck(queueMemory, "drop", 10_000)
    deliver(1_000, 1)
    assert.isBelow(account().waiting, 70)
  })

  it("counts what was read of a history and waits for who does not read, and closes for it", () => {
    const queueMemory = new QueueMemory(1_000_000)
    const [one, other] = [stuck(queueMemory, "drop"), stuck(queueMemory, "drop")]
    other.deliver(10)
    one.hold(600_000)
    assert.isAbove(queueMemory.bytes, 600_000)
    one.hold(0)
    assert.isBelow(queueMemory.bytes, 20_000)
    one.hold(1_000_000)
    assert.deepStrictEqual([one.told, other.told], [["crowded"], []])
    assert.isBelow(queueMemory.bytes, 20_000)
  })

  it("is given back", () => {
    const queueMemory = new QueueMemory(1_000_000)
    const { deliver, delivery } = stuck(queueMemory, "drop")
    deliver(5)
    assert.isAbove(queueMemory.bytes, 5_000)
    delivery.end()
    assert.strictEqual(queueMemory.bytes, 0)
  })

  it("shrinks the largest to one size, and frees no more than a tenth and that", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 30 })
    fc.assert(
      fc.property(sizes, (sizes) => {
        const total = sizes.reduce((sum, size) => sum + size, 0)
        const queueMemory = new QueueMemory(total - 1)
        const held = sizes.map((size) => ({ size, shrunkTo: size }))
        for (const each of held) {
          const share = queueMemory.share({
            shrinkTo: (bytes) => {
              each.shrunkTo = bytes
              share.hold(bytes)
            }
          })
          share.hold(each.size)
        }
        const level = Math.max(...held.map(({ shrunkTo }) => shrunkTo))
        for (const { size, shrunkTo } of held) assert.strictEqual(shrunkTo, Math.min(size, level))
        assert.isAtMost(queueMemory.bytes, total - 1)
        assert.isAtLeast(queueMemory.bytes, (total - 1) * 0.9 - sizes.length)
      })
    )
  })
})
