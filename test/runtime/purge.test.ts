import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import fc from "fast-check"
import { asideOf, type Undone } from "../../runtime/engine/shard/aside.ts"
import { Purge } from "../../runtime/engine/shard/purge.ts"
import { Watermarks } from "../../runtime/engine/shard/watermarks.ts"
import { ActorLog, type Announcement } from "../../runtime/index.ts"
import { announcement } from "../support/leases.ts"

const SHARDS = 2
const NODES = 2
/** In each shard. */
const ACTORS = 3
/** How far, in messages, one is behind before it is set aside. */
const BEHIND = 4

/** What may happen to a role's mail, its owners, and those who watch them. */
const event = fc.oneof(
  fc.record({ kind: fc.constant("sent" as const), shard: fc.nat(SHARDS - 1), actor: fc.nat(ACTORS - 1) }),
  fc.record({ kind: fc.constant("processed" as const), shard: fc.nat(SHARDS - 1), actor: fc.nat(ACTORS - 1) }),
  fc.record({ kind: fc.constant("passed" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("moved" as const), shard: fc.nat(SHARDS - 1), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("worked out" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("renewed" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("heard" as const), node: fc.nat(NODES - 1) }),
  fc.record({ kind: fc.constant("said" as const), node: fc.nat(NODES - 1) })
)

/** Mail, who owns which shard, and what nodes say of it: written to be obviously right. */
const makeModel = () => {
  const mail: Array<{ readonly shard: number; readonly actor: number; done: boolean }> = []
  const owners = Array.from({ length: SHARDS }, () => 0)
  const reached = Array.from({ length: NODES }, () => 0)
  const begun: Array<Announcement["done"] | undefined> = []
  const latest: Array<Announcement["done"]> = []
  const firstOpen = (shard: number, actor?: number) => {
    const isIts = (each: { readonly actor: number }) => actor === undefined || each.actor === actor
    const index = mail.findIndex((each) => each.shard === shard && isIts(each) && !each.done)
    return index < 0 ? Number.POSITIVE_INFINITY : index + 1
  }
  const undone = (shard: number) =>
    Array.from({ length: ACTORS }, (_, actor): Undone => [`t/${shard}-${actor}`, firstOpen(shard, actor)]).filter(
      ([, oldest]) => Number.isFinite(oldest)
    )
  const workOut = (node: number): Announcement["done"] => {
    const shards = owners.flatMap((owner, shard) => (owner === node ? [shard] : []))
    const upTo = Math.min(reached[node]!, ...shards.map((shard) => firstOpen(shard) - 1))
    const aside = asideOf(reached[node]!, shards.flatMap(undone), reached[node]! - BEHIND)
    return shards.length === 0 ? {} : { any: { upTo, shards, ...aside } }
  }
  return { mail, owners, reached, begun, latest, firstOpen, workOut }
}

const play = (events: ReadonlyArray<typeof event extends fc.Arbitrary<infer E> ? E : never>) => {
  const marks = new Watermarks()
  const model = makeModel()
  for (const each of events) {
    if (each.kind === "sent") model.mail.push({ shard: each.shard, actor: each.actor, done: false })
    if (each.kind === "processed") {
      const open = model.mail[model.firstOpen(each.shard, each.actor) - 1]
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
    const around = marks.ofType("any", "t", SHARDS)
    const gone = model.mail.find(
      ({ done, shard, actor }, index) => index < around.upTo && !done && !around.except.has(`${shard}-${actor}`)
    )
    assert.isUndefined(gone, "it would be removed around others and is not done")
  }
  const actorOf = (shard: number, actor: number) => ({ type: "t", id: `${shard}-${actor}` })
  for (const [index, { done, shard, actor }] of model.mail.entries()) {
    const isSaid = index < marks.ofActor(actorOf(shard, actor), `any.${shard}`)
    assert.isTrue(done || !isSaid, "an operator would not be shown it")
  }
  return { marks, model }
}

describe("what nodes say is done", () => {
  it("never adds up to more than is done, however shards move meanwhile", () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 20, maxLength: 200, size: "max" }), (events) => void play(events)),
      { numRuns: 200 }
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

  it("goes on beyond an actor that is never done, and names it", () => {
    const marks = new Watermarks()
    const all = [0, 1]
    marks.take({ done: { any: { upTo: 9, shards: all, reach: 500, except: ["t/a", "u"] } } })
    assert.strictEqual(marks.ofRole("any", SHARDS), 9)
    assert.deepStrictEqual(marks.ofType("any", "t", SHARDS), { upTo: 500, except: new Set(["a"]) })
    assert.deepStrictEqual(marks.ofType("any", "u", SHARDS), { upTo: 9, except: new Set<string>() })
    marks.take({ done: {}, lanes: { "any.u": { upTo: 300, shards: all } } })
    assert.deepStrictEqual(marks.ofType("any", "u", SHARDS), { upTo: 300, except: new Set<string>() })
    assert.deepStrictEqual(
      ["a", "b"].map((id) => marks.ofActor({ type: "t", id }, "any.1")),
      [9, 500]
    )
  })

  it("says nothing of a role while one of its shards was never spoken for", () => {
    const marks = new Watermarks()
    marks.take({ done: { any: { upTo: 9, shards: [0] } } })
    assert.strictEqual(marks.ofRole("any", SHARDS), 0)
    marks.take({ done: { any: { upTo: 7, shards: [1] }, gpu: { upTo: 5, shards: [0, 1] } } })
    assert.strictEqual(marks.ofRole("any", SHARDS), 7)
    assert.strictEqual(marks.ofRole("gpu", SHARDS), 5)
    assert.deepStrictEqual([...marks.roles], ["any", "gpu"])
  })

  it("counts for nothing beyond what is known to be stored, and is forgotten where the log has lost its end", () => {
    const marks = new Watermarks()
    const said = { any: { upTo: 9, shards: [0, 1] } }
    marks.take({ done: said }, 8)
    assert.strictEqual(marks.ofRole("any", SHARDS), 0)
    marks.take({ done: said }, 9)
    assert.strictEqual(marks.ofRole("any", SHARDS), 9)
    marks.cut(6)
    assert.strictEqual(marks.ofRole("any", SHARDS), 6)
  })

  it.effect("counts only in the life of the log of which it was said", () =>
    Effect.gen(function* () {
      const status = { life: "this one", lastSequence: 20, rewinds: 0, fault: undefined, confirmedAt: undefined }
      const log = yield* ActorLog.pipe(
        Effect.provide(
          Layer.mock(ActorLog, {
            limits: { payloadBytesMax: 1, groupEntriesMax: 1, groupBytesMax: 1 },
            shards: SHARDS,
            status,
            inbox: "",
            newId: () => "",
            answer: () => {},
            broadcast: () => {}
          })
        )
      )
      const purge = new Purge(log, 1_000, () => 0)
      const hear = (log: string, upTo: number) =>
        purge.see("me", {
          nodes: new Map([["other", announcement({ log, done: { any: { upTo, shards: [0, 1] } } })]]),
          holders: new Map()
        })
      hear("another one", 12)
      hear("", 13)
      assert.strictEqual(purge.watermarks.ofRole("any", SHARDS), 0)
      hear("this one", 21)
      assert.strictEqual(purge.watermarks.ofRole("any", SHARDS), 0, "so much is not stored, as far as is known")
      hear("this one", 11)
      assert.strictEqual(purge.watermarks.ofRole("any", SHARDS), 11)
    })
  )
})
