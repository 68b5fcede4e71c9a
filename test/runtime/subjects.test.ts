import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { addressFault } from "../../runtime/address.ts"
import { makeSubjects } from "../../runtime/nats/subjects.ts"

const subjects = makeSubjects("conclave")
const ids = fc
  .oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.stringMatching(/^[AB.%25E]{1,8}$/))
  .filter((id) => addressFault({ type: "a", id }) === undefined)

describe("the subjects of an actor", () => {
  it("have its id as one token, whatever it holds, and give it back", () => {
    fc.assert(
      fc.property(ids, (id) => {
        const owner = { type: "a", id }
        for (const subject of [subjects.journal(owner), subjects.dead(owner)]) {
          assert.lengthOf(subject.split("."), 4)
          assert.deepStrictEqual(subjects.parseOwner(subject), owner)
        }
        assert.deepStrictEqual(subjects.parseMail(subjects.mail("any.7", owner)), { shard: "any.7", to: owner })
        assert.strictEqual(subjects.parseTimer(subjects.timer("any.7", owner, "x.y")), "x.y")
      })
    )
  })

  it("are of that actor alone", () => {
    fc.assert(
      fc.property(ids, ids, (one, other) => {
        const [a, b] = [one, other].map((id) => subjects.journal({ type: "a", id }))
        assert.strictEqual(a === b, one === other)
      })
    )
  })

  it("are as they were where an id holds no dot", () => {
    for (const id of ["AAPL", "BTC/USDT", "50%", "a%20b", "%"]) {
      assert.strictEqual(subjects.journal({ type: "a", id }), `conclave.journal.a.${id}`)
    }
    assert.strictEqual(subjects.journal({ type: "a", id: "BRK.B" }), "conclave.journal.a.BRK%2EB")
  })
})
