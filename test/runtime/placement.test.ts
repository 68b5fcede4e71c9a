import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { movesOf, ownerOf } from "../../runtime/engine/placement.ts"
import { Progress } from "../../runtime/engine/progress.ts"

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 })
const SHARDS = 64
const shards = Array.from({ length: SHARDS }, (_, shard) => shard)

describe("placement", () => {
  it("gives each shard one owner, whatever the order of the nodes", () => {
    fc.assert(
      fc.property(names, fc.nat(SHARDS - 1), (nodes, shard) => {
        const owner = ownerOf(shard, nodes)
        assert.include(nodes, owner!)
        assert.strictEqual(ownerOf(shard, nodes.toReversed()), owner)
      })
    )
  })

  it("moves no shard but those a leaving node had", () => {
    fc.assert(
      fc.property(names, (nodes) => {
        const [leaving, ...rest] = nodes
        if (rest.length === 0) return
        for (const shard of shards) {
          const before = ownerOf(shard, nodes)
          if (before !== leaving) assert.strictEqual(ownerOf(shard, rest), before)
        }
      })
    )
  })

  it("spreads shards over the nodes", () => {
    for (const count of [2, 3, 5]) {
      const nodes = Array.from({ length: count }, (_, index) => `node-${index}`)
      for (const node of nodes) {
        const share = shards.filter((shard) => ownerOf(shard, nodes) === node).length
        assert.isAbove(share, SHARDS / count / 3)
      }
    }
  })

  it("never takes a shard that another node holds, and gives away only a few at once", () => {
    fc.assert(
      fc.property(names, fc.array(fc.nat(7), { minLength: SHARDS, maxLength: SHARDS }), (nodes, holding) => {
        const node = nodes[0]!
        const holders = new Map(shards.map((shard) => [shard, nodes[holding[shard]! % nodes.length]!]))
        const held = new Set(shards.filter((shard) => holders.get(shard) === node))
        const { acquire, release } = movesOf(node, held, { nodes: new Set(nodes), holders }, SHARDS)
        assert.deepStrictEqual(acquire, [])
        assert.isAtMost(release.length, 4)
        for (const shard of release) assert.notStrictEqual(ownerOf(shard, nodes), node)
      })
    )
  })
})

describe("a shard's progress", () => {
  it("never passes a message that is not done, and reaches the last once all are", () => {
    const orders = fc
      .uniqueArray(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 200 })
      .chain((sequences) =>
        fc.tuple(
          fc.constant(sequences.toSorted((a, b) => a - b)),
          fc.shuffledSubarray(sequences, { minLength: sequences.length })
        )
      )
    fc.assert(
      fc.property(orders, ([delivered, done]) => {
        const progress = new Progress()
        for (const sequence of delivered) progress.delivered(sequence)
        const open = new Set(delivered)
        for (const sequence of done) {
          progress.done(sequence)
          open.delete(sequence)
          assert.strictEqual(progress.open, open.size)
          const oldest = Math.min(...open)
          assert.strictEqual(progress.oldestOpen, open.size === 0 ? undefined : oldest)
          assert.strictEqual(progress.doneUpTo, open.size === 0 ? delivered.at(-1) : oldest - 1)
        }
      })
    )
  })
})
