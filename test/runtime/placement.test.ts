import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { declinesOf, movesOf, ownerOf } from "../../runtime/engine/node/placement.ts"
import { MailProgress } from "../../runtime/engine/shard/progress.ts"
import type { Announcement } from "../../runtime/index.ts"
import { announcement } from "../support/leases.ts"

const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 8 })
const SHARDS = 64
const shardsOf = (role: string) => Array.from({ length: SHARDS }, (_, number) => `${role}.${number}`)
const shards = shardsOf("any")
const none: ReadonlySet<string> = new Set()

/** Nodes, each with what it says of itself. */
const cluster = fc.uniqueArray(
  fc.tuple(
    fc.stringMatching(/^[a-z0-9]{1,8}$/),
    fc.record({
      roles: fc.subarray(["any", "gpu", "eu"]),
      declines: fc.array(
        fc.constantFrom(...["any", "gpu", "eu"].flatMap((role) => [`${role}.0`, `${role}.1`, `${role}.2`])),
        { maxLength: 6 }
      )
    })
  ),
  { minLength: 1, maxLength: 6, selector: ([name]) => name }
)

const nodesOf = (said: ReadonlyArray<readonly [string, Partial<Announcement>]>) =>
  new Map(said.map(([name, each]) => [name, announcement(each)]))

describe("placement", () => {
  it("gives each shard one owner, whatever the order of the nodes", () => {
    fc.assert(
      fc.property(names, fc.constantFrom(...shards), (nodes, shard) => {
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

  it("spreads the shards of each role over the nodes", () => {
    for (const role of ["any", "gpu"]) {
      for (const count of [2, 3, 5]) {
        const nodes = Array.from({ length: count }, (_, index) => `node-${index}`)
        for (const node of nodes) {
          const share = shardsOf(role).filter((shard) => ownerOf(shard, nodes) === node).length
          assert.isAbove(share, SHARDS / count / 3)
        }
      }
    }
  })

  it("never takes a shard that another node holds, and gives away only a few at once", () => {
    fc.assert(
      fc.property(
        names,
        fc.array(fc.nat(7), { minLength: SHARDS, maxLength: SHARDS }),
        fc.nat(6),
        (all, holding, many) => {
          const node = all[0]!
          const holders = new Map(shards.map((shard, index) => [shard, all[holding[index]! % all.length]!]))
          const held = new Set(shards.filter((shard) => holders.get(shard) === node))
          const leaving = new Set([...held].slice(0, many))
          const nodes = nodesOf(all.map((name) => [name, {}]))
          const moves = movesOf({ node, held, leaving, membership: { nodes, holders }, shards: SHARDS })
          assert.deepStrictEqual(moves.acquire, [])
          assert.isAtMost(moves.release.length, Math.max(4 - leaving.size, 0))
          for (const shard of moves.release) {
            assert.notStrictEqual(ownerOf(shard, all), node)
            assert.isFalse(leaving.has(shard))
          }
        }
      )
    )
  })

  it("gives each shard to one node that serves its role, to none that declines it where another does not", () => {
    fc.assert(
      fc.property(cluster, (said) => {
        const nodes = nodesOf(said)
        const taken = new Map<string, string>()
        for (const node of nodes.keys()) {
          const membership = { nodes, holders: new Map() }
          for (const shard of movesOf({ node, held: none, leaving: none, membership, shards: 3 }).acquire) {
            assert.isFalse(taken.has(shard), "two nodes take it")
            taken.set(shard, node)
          }
        }
        for (const role of ["any", "gpu", "eu"]) {
          const serving = said.filter(([, { roles }]) => roles.includes(role))
          for (const shard of [`${role}.0`, `${role}.1`, `${role}.2`]) {
            const willing = serving.filter(([, { declines }]) => !declines.includes(shard))
            const candidates = (willing.length > 0 ? willing : serving).map(([name]) => name)
            if (candidates.length === 0) assert.isFalse(taken.has(shard))
            else assert.include(candidates, taken.get(shard)!)
          }
        }
      })
    )
  })

  it("moves a declined shard and no other", () => {
    fc.assert(
      fc.property(names, fc.constantFrom(...shards), (all, declined) => {
        const takenWith = (declines: ReadonlyArray<string>) => (node: string) => {
          const nodes = nodesOf(all.map((name, index) => [name, index === 0 ? { declines } : {}]))
          return movesOf({ node, held: none, leaving: none, membership: { nodes, holders: new Map() }, shards: SHARDS })
            .acquire
        }
        for (const node of all) {
          const before = takenWith([])(node)
          const after = takenWith([declined])(node)
          const others = (acquired: ReadonlyArray<string>) => acquired.filter((shard) => shard !== declined)
          assert.deepStrictEqual(others(after), others(before))
        }
      })
    )
  })

  it("gives back what the node is said to hold and does not", () => {
    const membership = { nodes: nodesOf([["a", { roles: ["any"] }]]), holders: new Map([["gpu.5", "a"]]) }
    const moves = movesOf({ node: "a", held: new Set(shards), leaving: none, membership, shards: SHARDS })
    assert.deepStrictEqual(moves, { acquire: [], release: ["gpu.5"] })
  })
})

describe("a node that is too old for an actor", () => {
  const own = { types: { counter: 1, desk: 2 }, protocols: { counter: 1, desk: 1 } }
  const declinedBeside = (other: Partial<Announcement>) =>
    declinesOf(
      "a",
      own,
      ["any.1", "gpu.1"],
      nodesOf([
        ["a", own],
        ["b", { ...own, ...other }]
      ])
    )

  it("declines its shard where another node has a newer version of some actor", () => {
    assert.deepStrictEqual(declinedBeside({ types: { counter: 2, desk: 2 } }), ["any.1"])
    assert.deepStrictEqual(declinedBeside({ protocols: { counter: 1, desk: 2 } }), ["any.1"])
    assert.deepStrictEqual(declinedBeside({ types: { counter: 2 }, roles: ["any", "gpu"] }), ["any.1", "gpu.1"])
  })

  it("keeps it where no other node is newer and serves its role", () => {
    assert.deepStrictEqual(declinedBeside({}), [])
    assert.deepStrictEqual(declinedBeside({ types: { ...own.types, clock: 1 } }), [], "one that it lacks has lanes")
    assert.deepStrictEqual(declinedBeside({ types: { counter: 1, desk: 1 } }), [])
    assert.deepStrictEqual(declinedBeside({ types: { counter: 2 }, roles: [] }), [])
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
        const progress = new MailProgress()
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
