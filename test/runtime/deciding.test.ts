import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { CommitBuffer } from "../../runtime/engine/commit/commit-buffer.ts"
import { JournalWriter } from "../../runtime/engine/commit/journal-writer.ts"
import { type ActorState, applyRecord, applyStep, emptyActor } from "../../runtime/engine/step/actor-state.ts"
import { compile } from "../../runtime/engine/step/compiled.ts"
import { decideMail } from "../../runtime/engine/step/decide.ts"
import { asStepFailure } from "../../runtime/engine/step/failure.ts"
import { park } from "../../runtime/engine/step/park.ts"
import { activity, define, persist, reply, setTimer, start, stop, stopActor } from "../../runtime/index.ts"
import { parseRecord } from "../../runtime/journal.ts"

// What becomes of one message after the other, without a log.

const limits = { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 }
const self = { type: "test", id: "a" }
const Nothing = Schema.Struct({})

const actor = (history: "snapshots" | "complete" = "snapshots", initial: () => { n: number } = () => ({ n: 0 })) =>
  compile(
    define({
      protocol: {
        type: "test",
        messages: {
          Add: { payload: Nothing, reply: Schema.String },
          Set: { payload: Schema.Struct({ timers: Schema.Int }) },
          StopAll: { payload: Nothing, reply: Schema.Int },
          Get: { payload: Nothing, reply: Schema.Int },
          Fail: { payload: Nothing }
        }
      },
      history,
      supervision: { decide: stopActor },
      remember: { count: 1_000, for: "1 minute" },
      state: Schema.Struct({ n: Schema.Int }),
      initial,
      events: { Added: {} },
      activities: { work: activity({ input: Schema.Int, output: Schema.Int, timeout: 1_000, run: Effect.succeed }) },
      completed: { work: () => [] },
      decide: {
        Add: () => [persist({ _tag: "Added" }), reply("x".repeat(5_000))],
        Set: (_, { timers }) => Array.from({ length: timers }, (_, index) => setTimer(`t${index}`, 1, "Fail", {})),
        StopAll: ({ n }) => [setTimer("new", 1, "Fail", {}), start("work", "new", 1), reply(n), stop],
        Get: ({ n }) => [reply(n)],
        Fail: () => {
          throw new Error("no")
        }
      },
      evolve: { Added: ({ n }) => ({ n: n + 1 }) }
    })
  )

const mailOf = (sequence: number, time: number, message: string, body: unknown = {}, fields: object = {}) => ({
  to: self,
  shard: "any.0",
  sequence,
  time,
  payload: JSON.stringify({ kind: "message", message, body, correlation: "c", ...fields })
})

/** Decides a message and takes its step in. Gives the record of it, as it would be stored, and what goes with it. */
const take = (compiled: ReturnType<typeof actor>, core: ActorState, mail: ReturnType<typeof mailOf>) => {
  const verdict = decideMail(compiled, core, mail, limits)
  const commit = verdict.kind === "failed" ? park(compiled, core, mail, verdict.failure, 1, limits) : verdict
  if (commit.kind !== "commit") throw asStepFailure(new Error(commit.kind))
  applyStep(compiled, core, commit.step, commit.state)
  const pending = new CommitBuffer()
  pending.add(mail, commit, { dueAt: () => 0, graceOf: () => undefined })
  return {
    record: new JournalWriter(self, compiled, { missed: () => {} }).record(core, pending, limits),
    entries: pending.entries
  }
}

describe("a step that stops its actor", () => {
  it("opens nothing, whatever it asks for besides", () => {
    const compiled = actor()
    const core = emptyActor(compiled, self)
    take(compiled, core, mailOf(1, 1, "Set", { timers: 2 }))
    const { entries, record } = take(compiled, core, mailOf(2, 2, "StopAll"))
    assert.deepStrictEqual([core.stopped, core.timers.size, core.activities.size], [true, 0, 0])
    assert.deepStrictEqual(entries.map((entry) => (entry.kind === "untimer" ? entry.name : entry.kind)).sort(), [
      "new",
      "t0",
      "t1"
    ])
    assert.isTrue(record.truncate)
  })

  it("fits into a group however many timers are open", () => {
    for (const message of ["StopAll", "Fail"]) {
      const compiled = actor()
      const core = emptyActor(compiled, self)
      for (let sequence = 1; sequence <= 3; sequence++) {
        const body = { timers: sequence * 700 }
        const verdict = decideMail(compiled, core, mailOf(sequence, 1, "Set", body), {
          ...limits,
          groupEntriesMax: 9_999
        })
        if (verdict.kind === "commit") applyStep(compiled, core, verdict.step, verdict.state)
      }
      assert.strictEqual(core.timers.size, 2_100)
      const { entries } = take(compiled, core, mailOf(10, 2, message))
      assert.isBelow(entries.length, limits.groupEntriesMax)
      assert.isTrue(core.stopped)
      assert.strictEqual(core.timers.size, 0, "what still fires is ignored")
    }
  })

  it("leaves a record that is read alone, and the others where the history is complete", () => {
    const compiled = actor("complete")
    const core = emptyActor(compiled, self)
    take(compiled, core, mailOf(1, 1, "Add"))
    const { record } = take(compiled, core, mailOf(2, 2, "StopAll"))
    assert.deepStrictEqual([record.snapshot, record.truncate], [true, false])
    const again = emptyActor(compiled, self)
    applyRecord(compiled, again, parseRecord(record.payload))
    assert.deepStrictEqual([again.stopped, again.consumed, again.timers.size], [true, 2, 0])
  })
})

describe("what an actor remembers of messages", () => {
  it("leaves room for a snapshot, however large its answers are", () => {
    const compiled = actor()
    const core = emptyActor(compiled, self)
    let last = ""
    for (let sequence = 1; sequence <= 500; sequence++) {
      const asked = { id: `i${sequence}`, reply: "inbox" }
      last = take(compiled, core, mailOf(sequence, sequence, "Add", {}, asked)).record.payload
    }
    assert.isBelow(Buffer.byteLength(JSON.stringify([...core.recent])), 400_000)
    assert.isAbove(core.recent.size, 40)
    assert.isBelow(Buffer.byteLength(last), 400_000)
    const repeated = decideMail(compiled, core, mailOf(501, 501, "Add", {}, { id: "i500", reply: "inbox" }), limits)
    assert.strictEqual(repeated.kind, "nothing")
  })

  it("is kept where the clock goes back, and forgotten by time alone where it goes on", () => {
    const compiled = actor()
    const core = emptyActor(compiled, self)
    const put = (sequence: number, time: number, id: string) =>
      take(compiled, core, mailOf(sequence, time, "Add", {}, { id, reply: "inbox" }))
    put(1, 100_000, "early")
    put(2, 40_000, "back")
    put(3, 40_001, "on")
    assert.deepStrictEqual([...core.recent.keys()], ["early", "back", "on"])
    put(4, 150_000, "late")
    assert.deepStrictEqual([...core.recent.keys()].includes("early"), true)
    put(5, 300_000, "later")
    assert.deepStrictEqual([...core.recent.keys()], ["later"])
    assert.strictEqual(core.forgotten, 150_000)
  })
})

describe("an ask that is sent again", () => {
  const again = (time: number, message: string, id: string, age: number) =>
    mailOf(9, time, message, {}, { id, reply: "inbox", again: true, age })
  const answersTo = (compiled: ReturnType<typeof actor>, core: ActorState, mail: ReturnType<typeof mailOf>) => {
    const verdict = decideMail(compiled, core, mail, limits)
    if (verdict.kind !== "nothing") throw new Error(`it has an effect: ${verdict.kind}`)
    return verdict.answers.map(({ payload }) => JSON.parse(payload).body)
  }

  it("is answered where it is a question, whose answer nobody has kept", () => {
    const compiled = actor()
    const core = emptyActor(compiled, self)
    take(compiled, core, mailOf(1, 1_000, "Add", {}, { id: "first", reply: "inbox" }))
    assert.deepStrictEqual(answersTo(compiled, core, again(5_000, "Get", "question", 4_000)), [1])
    assert.deepStrictEqual(answersTo(compiled, core, again(5_000, "Add", "first", 4_000)), ["x".repeat(5_000)])
  })

  it("has no effect and no answer where it may have had one that is forgotten, or fails now", () => {
    const compiled = actor()
    const core = emptyActor(compiled, self)
    assert.deepStrictEqual(answersTo(compiled, core, again(5_000, "Add", "forgotten", 4_000)), [])
    assert.deepStrictEqual(answersTo(compiled, core, again(5_000, "Fail", "failed", 4_000)), [])
    take(compiled, core, mailOf(1, 1_000, "Add", {}, { id: "first", reply: "inbox" }))
    take(compiled, core, mailOf(2, 90_000, "Add", {}, { id: "second", reply: "inbox" }))
    assert.strictEqual(core.forgotten, 1_000)
    assert.deepStrictEqual(answersTo(compiled, core, again(91_000, "Get", "late", 80_000)), [])
    assert.deepStrictEqual(answersTo(compiled, core, again(91_000, "Get", "new", 4_000)), [2])
  })
})

describe("an actor that cannot begin any more", () => {
  it("goes on where a snapshot holds its state", () => {
    const compiled = actor()
    const core = emptyActor(compiled, self)
    const { record } = take(compiled, core, mailOf(1, 1, "Add"))
    const cannot = actor("snapshots", () => {
      throw new Error("no beginning")
    })
    const again = emptyActor(cannot, self)
    assert.isDefined(again.unborn)
    applyRecord(cannot, again, parseRecord(record.payload))
    take(cannot, again, mailOf(2, 2, "Add"))
    assert.deepStrictEqual(again.state, { n: 2 })
  })
})
