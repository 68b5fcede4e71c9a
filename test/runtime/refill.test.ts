import { assert, describe, it } from "@effect/vitest"
import { Mailbox } from "../../runtime/engine/actor/mailbox.ts"
import type { Mail } from "../../runtime/index.ts"

const mail = (sequence: number): Mail => ({
  to: { type: "desk", id: "a" },
  shard: "any.0",
  sequence,
  time: sequence,
  payload: "{}"
})
const sequences = (mails: ReadonlyArray<Mail>) => mails.map(({ sequence }) => sequence)

describe("a mailbox", () => {
  it("takes nothing of what was read before more was set aside that comes first", () => {
    const mailbox = new Mailbox()
    for (const sequence of [1, 2, 3]) mailbox.offer(mail(sequence))
    mailbox.setAllAside()
    assert.strictEqual(mailbox.beginReading(), 1)
    assert.strictEqual(mailbox.refill([mail(1), mail(2)]), 2)
    assert.strictEqual(mailbox.beginReading(), 3)
    mailbox.setAllAside()
    assert.strictEqual(mailbox.refill([mail(3)]), 0)
    assert.strictEqual(mailbox.beginReading(), 1)
    mailbox.refill([mail(1), mail(2), mail(3)])
    assert.deepStrictEqual(sequences(mailbox.queue), [1, 2, 3])
  })
})
