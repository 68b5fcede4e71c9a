import { assert, describe, it } from "@effect/vitest"
import { type Actor, type Recording, replay, summarize } from "../../runtime/index.ts"
import { altered, alteredStep, Scribe } from "../support/scribe.ts"
import { busy, stepsOf, till, verdicts } from "../support/till.ts"

const faultOf = (actor: Actor, recording: Recording): string => {
  const { fault, steps } = summarize(replay(actor, recording))
  return fault === undefined ? "none" : `${steps} steps, then record ${fault.record}: ${fault.reason}`
}

describe("a journal with its complete history", () => {
  it("is decided again to the last step, though all mail is removed", () => {
    const steps = stepsOf(till(), busy().recording)
    assert.deepStrictEqual(
      verdicts(steps).filter((verdict) => !verdict.endsWith(": same")),
      []
    )
    assert.deepStrictEqual(
      steps.map(({ message: { name, original } }) => [name, typeof original === "object" ? original.kind : original]),
      [
        ["Add", "message"],
        ["Draw", "message"],
        ["Remind", "message"],
        ["Work", "message"],
        ["Fail", "message"],
        ["Draw", "timer"],
        ["work", "outcome"],
        ["?", "rubbish"],
        ["Add", "message"],
        ["watch", "watch"],
        ["Forget", "message"],
        ["Close", "message"],
        ["watch", "watch"],
        ["Draw", "message"]
      ]
    )
  })

  it("shows what each step did and what it changed", () => {
    const [add, draw, remind, work, fail, fired, ended, rubbish, refused, watched, forget, close] = stepsOf(
      till(),
      busy().recording
    )
    assert.deepStrictEqual(add!.effects, [
      { effect: "answered", id: "m1", body: 1 },
      { effect: "published", subject: "sum.till", event: { type: "sum", data: 1 } }
    ])
    assert.deepStrictEqual(add!.difference, [{ path: "sum", before: 0, after: 1 }])
    assert.deepInclude(add!.before, { sum: 0 })
    assert.deepInclude(add!.after, { sum: 1 })
    assert.deepInclude(draw!, { sequence: 2, time: 2_000, record: 3 })
    assert.deepInclude(draw!.message, { name: "Draw", from: "till/b" })
    assert.strictEqual(draw!.difference[0]?.path, "drawn[0]")
    assert.deepStrictEqual(remind!.effects, [
      { effect: "timer", name: "later", at: 9_000 },
      { effect: "sent", to: "till/b", message: "Draw", body: {} }
    ])
    assert.deepStrictEqual(work!.effects, [{ effect: "started", key: "key", activity: "work", input: { n: 1 } }])
    const [parked, alert] = fail!.effects
    assert.deepStrictEqual(parked, { effect: "parked", failure: "decide", cause: "no" })
    assert.deepInclude(alert, { effect: "published", subject: "alert.warning" })
    assert.deepStrictEqual(fail!.difference, [])
    assert.deepStrictEqual(fired!.effects, [{ effect: "cancelled", name: "later" }])
    assert.deepStrictEqual(ended!.effects, [{ effect: "ended", key: "key" }])
    assert.deepInclude(rubbish!.effects[0], { effect: "parked", failure: "decode" })
    assert.deepStrictEqual(refused!.effects, [{ effect: "refused", id: "m2", body: "too much" }])
    assert.deepStrictEqual(watched!.effects, [{ effect: "watched", by: "till/c" }])
    assert.deepStrictEqual(forget!.effects, [{ effect: "cancelled", name: "later" }])
    assert.deepStrictEqual(close!.effects, [
      { effect: "stopped" },
      { effect: "sent", to: "till/c", message: "Draw", body: {} }
    ])
    assert.strictEqual(close!.after, null)
  })

  it("goes no further than it is asked to", () => {
    const steps = stepsOf(till(), busy().recording, 2)
    assert.deepStrictEqual(
      steps.map(({ sequence }) => sequence),
      [1, 2]
    )
    assert.deepInclude(steps.at(-1)!.after, { sum: 1 })
  })

  it("of a time when messages were not kept is read, and its steps are not checked where no mail is left", () => {
    const scribe = busy()
    const old = (recording: Recording) =>
      alteredStep(recording, 0, ({ mail: _, ...step }) => ({ ...step, body: { n: 1 } }))
    const [first, second] = stepsOf(till(), old(scribe.recording))
    assert.strictEqual(first!.verdict.verdict, "not checked")
    assert.strictEqual(second!.verdict.verdict, "same")
    assert.deepInclude(first!.after, { sum: 1 })
    assert.strictEqual(stepsOf(till(), old(scribe.unpurged))[0]!.verdict.verdict, "same")
  })
})

describe("a journal that was cut short", () => {
  it("begins with the snapshot, says so, and what is left of mail is decided", () => {
    const scribe = new Scribe(till({ history: "snapshots" }))
    for (let n = 1; n <= 4; n++) scribe.take({ message: "Add", body: { n } })
    const actor = till({ history: "snapshots" })
    const [begin, third, fourth] = [...replay(actor, scribe.recording)]
    assert.deepInclude(begin, { kind: "start", from: "snapshot", sequence: 5 })
    assert.isTrue(third?.kind === "step" && !("after" in third))
    assert.deepInclude(fourth?.kind === "step" && fourth.after, { sum: 10 })
    assert.deepStrictEqual(verdicts(stepsOf(actor, scribe.recording)), ["Add: not checked", "Add: not checked"])
    assert.deepStrictEqual(verdicts(stepsOf(actor, scribe.unpurged)), ["Add: not checked", "Add: same"])
  })

  it("of an actor that has stopped is its last step and what came then", () => {
    const scribe = busy({ history: "snapshots" })
    const actor = till({ history: "snapshots" })
    const [begin] = [...replay(actor, scribe.recording)]
    assert.deepInclude(begin, { from: "snapshot", state: null })
    assert.deepStrictEqual(verdicts(stepsOf(actor, scribe.recording)).at(-1), "Draw: not checked")
    assert.isTrue(stepsOf(actor, scribe.unpurged).every(({ verdict }) => verdict.verdict !== "differs"))
  })
})

describe("a journal that cannot be read", () => {
  const { recording } = busy()
  const [first, second, third] = recording.records
  const only = (...records: ReadonlyArray<Recording["records"][number]>) => ({ ...recording, records })

  it("is told as far as it goes, and which record is at fault", () => {
    const damaged = { ...second!, payload: second!.payload.replace("later", "latex") }
    const cases: ReadonlyArray<readonly [Recording, RegExp]> = [
      [only(first!, damaged), /^2 steps, then record 5: the journal is corrupt: a checksum is wrong$/],
      [only(first!, third!), /^2 steps, then record 7: it follows record 5, and the one before it is 3$/],
      [only(second!), /^0 steps, then record 5: it follows record 3, which is not there, and is no snapshot$/],
      [
        altered(recording, 1, (record) => ({ ...record, version: 2 })),
        /^2 steps, then record 5: the journal is corrupt/
      ],
      [
        altered(recording, 1, (record) => ({ ...record, v: 2 })),
        /^2 steps, then record 5: the journal of till is of version 2, and this process knows 1$/
      ],
      [
        alteredStep(recording, 1, (step) => ({ ...step, events: [{ _tag: "Gone", data: {} }] })),
        /^2 steps, then record 5: the actor type has no event "Gone"$/
      ]
    ]
    for (const [broken, sentence] of cases) assert.match(faultOf(till(), broken), sentence)
    assert.strictEqual(faultOf(till(), recording), "none")
  })
})
