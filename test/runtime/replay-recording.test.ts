import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { ActorLog, Archive, type JournalRecord, Operators, replay, summarize } from "../../runtime/index.ts"
import { sealRecord } from "../../runtime/journal.ts"
import { readRecording } from "../../runtime/replay/recording.ts"
import { counter } from "../support/counter.ts"
import { lettersOf, mender, menderSystem, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"
import { stepsOf, verdicts } from "../support/till.ts"

const MANY = 1_200

const recordOf = (previous: number, sequence: number): string =>
  sealRecord(
    JSON.stringify({
      version: 1,
      kept: 1,
      previous,
      steps: [{ sequence, message: "Add", time: 0, correlation: "", events: [{ _tag: "Added", data: { n: 1 } }] }]
    })
  )

layer(NatsServer.layer, { excludeTestServices: true })("what is stored of an actor", (it) => {
  it.effect("has the message of a step also where only a dead letter holds it", () =>
    Effect.gen(function* () {
      const operators = yield* Operators
      const log = yield* ActorLog
      yield* tell("x", "bad")
      const [letter] = yield* lettersOf("x", 1)
      yield* log
        .readMail(owner("x"), 0, 10)
        .pipe(
          Effect.repeat({ until: (mails) => mails.length === 0, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("15 seconds")
        )
      const kept = yield* operators.recording(owner("x"))
      assert.deepStrictEqual(verdicts(stepsOf(mender(new Set(["bad"])), kept)), ["Note: same"])
      assert.deepStrictEqual(verdicts(stepsOf(mender(new Set()), kept)), ["Note: events, parked, failure"])
      yield* operators.drop(letter!.sequence)
      const dropped = yield* operators.recording(owner("x"))
      assert.deepStrictEqual(verdicts(stepsOf(mender(new Set(["bad"])), dropped)), ["Note: not checked"])
    }).pipe(Effect.provide(menderSystem("letters", new Set(["bad"]))))
  )

  it.effect("is read whole, however many records there are", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const address = { type: "counter", id: "many" }
      let expected = 0
      for (let sequence = 1; sequence <= MANY; sequence++) {
        const payload = recordOf(expected, sequence)
        expected = yield* log.append([
          { kind: "journal", owner: address, payload, expected, snapshot: false, truncate: false }
        ])
      }
      const recording = yield* Operators.use((operators) => operators.recording(address))
      assert.strictEqual(recording.records.length, MANY)
      const replayed = [...replay(counter, recording)]
      assert.deepInclude(summarize(replayed), { steps: MANY, unchecked: MANY, fault: undefined })
      const last = replayed.at(-1)
      assert.deepStrictEqual(last?.kind === "step" && last.after, { count: MANY })
    }).pipe(Effect.provide(operatorsOf("many")))
  )
})

describe("a journal that is cut while it is read", () => {
  const page = (from: number, count: number): ReadonlyArray<JournalRecord> =>
    Array.from({ length: count }, (_, index) => ({ sequence: from + index, payload: "" }))

  it.effect("is read again", () => {
    const after: ReadonlyArray<JournalRecord> = page(900, 2)
    const archive = Archive.of({
      ...nothing,
      // The first page is of before, and then there is a snapshot.
      history: (_, from) =>
        Effect.sync(() => (reads++ === 0 ? page(1, 500) : after.filter((each) => each.sequence > from)))
    })
    let reads = 0
    return Effect.map(readRecording(archive, { type: "counter", id: "a" }), ({ records }) =>
      assert.deepStrictEqual(records, after)
    )
  })
})

describe("an actor without a journal", () => {
  const address = { type: "counter", id: "a" }
  it.effect("has a recording while mail waits for it, and else is none", () =>
    Effect.gen(function* () {
      const mail = [{ sequence: 1, time: 0, payload: "{}" }]
      const waiting = yield* readRecording({ ...nothing, mail: () => Effect.succeed(mail) }, address)
      assert.deepStrictEqual(waiting, { address, records: [], mail })
      assert.deepStrictEqual([...replay(counter, waiting)], [])
      assert.strictEqual((yield* Effect.flip(readRecording(nothing, address)))._tag, "NoSuchActor")
    })
  )
})

const nothing: Archive["Service"] = {
  history: () => Effect.succeed([]),
  mail: () => Effect.succeed([]),
  journals: () => Effect.succeed([]),
  mailboxes: () => Effect.succeed([]),
  backlog: () => Effect.succeed({ waiting: 0, oldest: undefined }),
  timers: () => Effect.succeed(new Map()),
  letters: () => Effect.succeed([]),
  letter: () => Effect.succeed(undefined),
  drop: () => Effect.succeed(false),
  dropMail: () => Effect.succeed(false),
  newest: Effect.succeed(0),
  forget: () => Effect.void,
  oldestEvent: Effect.undefined,
  eventFrom: () => Effect.undefined,
  forgetEvents: () => Effect.void
}
