import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { define, parseRecord, persist } from "../../runtime/index.ts"
import { altered, alteredStep, Scribe } from "../support/scribe.ts"
import { Amount, busy, stepsOf, till, verdicts } from "../support/till.ts"

describe("deciding again", () => {
  it("says which step another decision would have been taken in, and what is other", () => {
    const steps = stepsOf(till({ factor: 2 }), busy().recording)
    assert.deepStrictEqual(
      verdicts(steps).filter((verdict) => !verdict.endsWith(": same")),
      ["Add: events"]
    )
    const [{ verdict } = assert.fail("no step")] = steps
    assert.deepStrictEqual(verdict.verdict === "differs" && verdict.deviations, [
      {
        what: "events",
        recorded: [{ _tag: "Added", data: { n: 1 } }],
        decided: [{ _tag: "Added", data: { n: 2 } }]
      }
    ])
    // The state goes on from what was decided then.
    assert.deepInclude(steps[0]!.after, { sum: 1 })
  })

  it("sees a timer that would not be set, and a failure that would be another", () => {
    const changed = stepsOf(till({ reminds: false, fails: "yes" }), busy().recording)
    assert.deepStrictEqual(
      verdicts(changed).filter((verdict) => !verdict.endsWith(": same")),
      ["Remind: timers", "Fail: parked"]
    )
  })

  it("sees a step where there would be none", () => {
    const { recording } = busy()
    const steps = stepsOf(
      till(),
      alteredStep(recording, 0, (step) => ({
        ...step,
        mail: { kind: "message", message: "Add", body: { n: 11 }, correlation: "c" }
      }))
    )
    assert.strictEqual(verdicts(steps)[0], "Add: effect")
  })

  it("is not possible for what the log refused", () => {
    const { recording } = busy()
    const parked = alteredStep(recording, 1, ({ timers: _, ...step }) => ({
      ...step,
      parked: "the step is 2 bytes, and the limit is 1",
      failure: "size"
    }))
    assert.strictEqual(verdicts(stepsOf(till(), parked))[2], "Remind: not checked")
  })

  it("is not possible for a message of a newer version", () => {
    const { recording } = busy()
    const newer = alteredStep(recording, 0, (step) => ({ ...step, mail: { ...Object(step.mail), v: 2 } }))
    const [first] = stepsOf(till(), newer)
    assert.deepStrictEqual(first!.verdict, {
      verdict: "not checked",
      why: "Add to till is of version 2, and this process knows 1"
    })
  })

  it("finds a snapshot that the steps do not lead to", () => {
    const { recording } = busy()
    const wrong = altered(recording, 2, (record) => {
      const snapshot = "snapshot" in record ? Object(record.snapshot) : assert.fail("the third record has a snapshot")
      return { ...record, snapshot: { ...snapshot, state: { ...snapshot.state, sum: 7 } } }
    })
    assert.strictEqual(verdicts(stepsOf(till(), wrong))[3], "Work: snapshot.state")
  })
})

describe("a journal of an older version", () => {
  const messages = { Add: { payload: Amount } }
  const units = define({
    protocol: { type: "sum", messages },
    history: "complete",
    state: Schema.Struct({ sum: Schema.Int }),
    initial: () => ({ sum: 0 }),
    events: { Added: { n: Schema.Int } },
    decide: { Add: (_, { n }) => [persist({ _tag: "Added", n })] },
    evolve: { Added: ({ sum }, { n }) => ({ sum: sum + n }) }
  })
  /** Counts cents, and says so in its events and its state. */
  const cents = (factor: number) =>
    define({
      protocol: { type: "sum", messages },
      history: "complete",
      version: 2,
      state: Schema.Struct({ cents: Schema.Int }),
      initial: () => ({ cents: 0 }),
      events: { Added: { cents: Schema.Int } },
      decide: { Add: (_, { n }) => [persist({ _tag: "Added", cents: n * factor })] },
      evolve: { Added: (state, { cents }) => ({ cents: state.cents + cents }) },
      upcast: {
        state: { 1: (json) => ({ cents: Object(json).sum * 100 }) },
        events: { Added: { 1: (json) => ({ cents: Object(json).n * 100 }) } }
      }
    })

  it("is brought up to this one, and then compared", () => {
    const scribe = new Scribe(units)
    scribe.take({ message: "Add", body: { n: 1 } })
    scribe.take({ message: "Add", body: { n: 2 } })
    const steps = stepsOf(cents(100), scribe.recording)
    assert.deepStrictEqual(verdicts(steps), ["Add: same", "Add: same"])
    assert.deepStrictEqual(steps.at(-1)!.after, { cents: 300 })
    assert.deepStrictEqual(verdicts(stepsOf(cents(1), scribe.recording)), ["Add: events", "Add: events"])
  })
})

describe("a message that stays in the journal", () => {
  const said = (characters: number) => ({ message: "Draw", id: "x".repeat(characters) })

  it("counts in the size of its step: one that does not fit is parked, and its record fits again", () => {
    for (const [history, failure] of [
      ["snapshots", undefined],
      ["complete", "size"]
    ] as const) {
      const scribe = new Scribe(till({ history }))
      scribe.take(said(600_000))
      const [record = assert.fail("no record")] = scribe.recording.records
      assert.isBelow(record.payload.length, 1_000_000)
      assert.strictEqual(parseRecord(record.payload).steps[0]?.failure, failure, history)
    }
  })

  it("stays there also where it is parked, unless it is large", () => {
    const scribe = new Scribe(till())
    scribe.take({ message: "Fail" })
    scribe.take({ ...said(300_000), message: "Fail" })
    const kept = scribe.recording.records.map(({ payload }) => parseRecord(payload).steps[0])
    assert.deepStrictEqual(
      kept.map((step) => [step?.failure, step?.mail !== undefined]),
      [
        ["decide", true],
        ["decide", false]
      ]
    )
    assert.deepStrictEqual(verdicts(stepsOf(till(), scribe.recording)), ["Fail: same", "Fail: not checked"])
    assert.deepStrictEqual(verdicts(stepsOf(till(), scribe.unpurged)), ["Fail: same", "Fail: same"])
  })
})
