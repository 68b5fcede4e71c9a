import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { Marks } from "../../runtime/engine/marks.ts"
import type { Announcement } from "../../runtime/index.ts"

const SHARDS = 2
const NODES = 2

/** What may happen to a role's mail, its owners, and those who watch them. */
const event = fc.oneof(
  fc.record({ kind: fc.constant("sent" as const), shard: fc.nat(SHARDS - 1) }),
  fc.record({ kind: fc.constant("processed" as const), shard: fc.nat(SHARDS - 1) }),
  fc.record({ kind: fc.constant("passed" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("moved" as const), shard: fc.nat(SHARDS - 1), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("worked out" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("renewed" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("heard" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("said" as const), node: fc.nat(NODES - 1) })
)

/** Mail, who owns which shard, and what nodes say of it: written to be obviously right. */
const makeModel = () => {
  const mail: Array<{ readonly shard: number; done: boolean }> = []
  const owners = Array.from({ length: SHARDS }, () => 0)
  const reached = Array.from({ length: NODES }, () => 0)
  const begun: Array<Announcement["done"] | undefined> = []
  const latest: Array<Announcement["done"]> = []
  const firstOpen = (shard: number) => {
    const index = mail.findIndex((each) => each.shard === shard && !each.done)
    return index < 0 ? Number.POSITIVE_INFINITY : index + 1
  }
  const workOut = (node: number): Announcement["done"] => {
    const shards = owners.flatMap((owner, shard) => (owner === node ? [shard] : []))
    const upTo = Math.min(reached[node]!, ...shards.map((shard) => firstOpen(shard) - 1))
    return shards.length === 0 ? {} : { any: { upTo, shards } }
  }
  return { mail, owners, reached, begun, latest, firstOpen, workOut }
}

const play = (events: ReadonlyArray<typeof event extends fc.Arbitrary<infer E> ? E : never>) => {
  const marks = new Marks()
  const model = makeModel()
  for (const each of events) {
    if (each.kind === "sent") model.mail.push({ shard: each.shard, done: false })
    if (each.kind === "processed") {
      const open = model.mail[model.firstOpen(each.shard) - 1]
      if (open !== undefined) open.done = true
    }
    if (each.kind === "passed") model.reached[each.node] = model.mail.length
    if (each.kind === "moved") {
      // The new owner reads the mail of all its shards from where this one is known to be done.
      model.owners[each.shard] = each.node
      model.reached[each.node] = Math.min(model.reached[each.node]!, marks.of(`any.${each.shard}`))
    }
    if (each.kind === "worked out") model.begun[each.node] = model.workOut(each.node)
    if (each.kind === "renewed") model.latest[each.node] = model.begun[each.node] ?? {}
    if (each.kind === "heard") marks.take({ done: model.latest[each.node] ?? {} })
    if (each.kind === "said") marks.take({ done: model.workOut(each.node) })
    const upTo = marks.ofRole("any", SHARDS)
    const lost = model.mail.findIndex((mail, index) => index < upTo && !mail.done)
    assert.strictEqual(lost, -1, "it would be removed and is not done")
  }
  return { marks, model }
}

describe("what nodes say is done", () => {
  it("never adds up to more than is done, however shards move meanwhile", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => void play(events)),
      { numRuns: 1_000 }
    )
  })

  it("adds up to everything, once every shard's owner is through and was heard", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), (events) => {
        const { marks, model } = play(events)
        for (const mail of model.mail) mail.done = true
        for (let node = 0; node < NODES; node++) {
          model.reached[node] = model.mail.length
          marks.take({ done: model.workOut(node) })
        }
        assert.strictEqual(marks.ofRole("any", SHARDS), model.mail.length)
      })
    )
  })

  it("says nothing of a role while one of its shards was never spoken for", () => {
    const marks = new Marks()
    marks.take({ done: { any: { upTo: 9, shards: [0] } } })
    assert.strictEqual(marks.ofRole("any", SHARDS), 0)
    marks.take({ done: { any: { upTo: 7, shards: [1] }, gpu: { upTo: 5, shards: [0, 1] } } })
    assert.strictEqual(marks.ofRole("any", SHARDS), 7)
    assert.strictEqual(marks.ofRole("gpu", SHARDS), 5)
    assert.deepStrictEqual([...marks.roles], ["any", "gpu"])
  })
})
