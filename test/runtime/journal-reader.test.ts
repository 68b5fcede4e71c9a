import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { DirectPage, Stored } from "../../runtime/nats/direct.ts"
import { JournalReader, SNAPSHOT_HEADER } from "../../runtime/nats/journal.ts"

const SUBJECT = "n.journal.counter.a"

const stored = (sequence: number, headers: Readonly<Record<string, string>> = {}): Stored => ({
  subject: SUBJECT,
  sequence,
  time: 0,
  header: (name) => headers[name] ?? "",
  payload: `record ${sequence}`,
  pending: 0
})
const FIRST = { "Nats-Expected-Last-Subject-Sequence": "0" }
const WHOLE = { [SNAPSHOT_HEADER]: "1" }
const unused = Effect.die(new Error("not asked here"))

/** What is read where the newest record is 30, and pages come of what copies have. */
const readFrom = (copies: ReadonlyArray<ReadonlyArray<Stored>>) =>
  Effect.gen(function* () {
    const left = [...copies]
    const page = (messages: ReadonlyArray<Stored>): DirectPage => ({ messages, complete: true, upTo: 30 })
    const reader = new JournalReader({
      reader: {
        page: (request) =>
          Effect.sync(() =>
            "multi_last" in request
              ? page([stored(30)])
              : page((left.shift() ?? []).filter(({ sequence }) => "seq" in request && sequence >= request.seq))
          ),
        last: () => unused,
        state: Effect.succeed({ firstSequence: 1, lastSequence: 30, time: 0, created: "", copies: 3, metadata: {} }),
        subjects: () => unused
      },
      replicated: () => true,
      seen: () => 30
    })
    yield* Effect.forkScoped(reader.run)
    return (yield* reader.read(SUBJECT)).map(({ sequence }) => sequence)
  }).pipe(Effect.scoped)

it.effect("a journal is read from its newest whole record on, by whichever copies", () =>
  Effect.gen(function* () {
    const [first, second, third] = [stored(10, FIRST), stored(20), stored(30)]
    assert.deepStrictEqual(yield* readFrom([[first, second, third]]), [10, 20, 30])
    assert.deepStrictEqual(yield* readFrom([[first, second], [third]]), [10, 20, 30])
    assert.deepStrictEqual(yield* readFrom([[first, stored(20, WHOLE), third]]), [20, 30])
    // The copy that is asked second has cut the journal short at a record that came since.
    assert.deepStrictEqual(yield* readFrom([[first, second], [stored(40, WHOLE)]]), [40])
  })
)
