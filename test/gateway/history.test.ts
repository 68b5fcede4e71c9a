import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, type Entry, EventLog, type PublishedEvent } from "../../runtime/index.ts"
import { layerEvents } from "../../runtime/nats/index.ts"
import { manage } from "../support/manage.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

type Log = EventLog["Service"]

/** More than the server gives the newest messages of at a time. */
const SUBJECTS = 1_500

const event = (subject: string, filling = ""): Entry => ({
  kind: "event",
  subject,
  payload: JSON.stringify({ filling })
})

/** All pages up to a complete one. */
const readAll = (log: Log, pattern: string, start: Parameters<Log["history"]>[1], upTo: number) =>
  Effect.gen(function* () {
    const history = log.history(pattern, start)
    const found: Array<PublishedEvent> = []
    let pages = 0
    while (true) {
      const { events, complete } = yield* history.next(upTo)
      found.push(...events)
      pages++
      if (complete) return { sequences: found.map(({ sequence }) => sequence), pages, history }
    }
  })

layer(NatsServer.layer, { excludeTestServices: true })("what is stored of events", (it) => {
  for (const outside of [false, true]) {
    const name = outside ? "outside" : "inside"
    it.effect(`is read whole and in order, and leaves nothing on the server (${name})`, () =>
      Effect.gen(function* () {
        const { url } = yield* NatsServer
        const system = yield* Layer.build(client({ namespace: name }))
        const { append } = yield* ActorLog.pipe(Effect.provide(system))
        const options: Parameters<typeof layerEvents>[0] = { url, namespace: name, name: "reader", outside }
        const log = yield* EventLog.pipe(Effect.provide(yield* Layer.build(layerEvents(options))))

        const none = yield* readAll(log, "many.*", { from: "last" }, 0)
        assert.deepStrictEqual(none.sequences, [])
        const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
        const subjects = range(1, SUBJECTS).map((n) => `many.s${n}`)
        // The first of a thousand, and then of all again, so that the newest of each is not in the order of names.
        yield* append(subjects.slice(0, 1_000).map((subject) => event(subject)))
        const begins = yield* append([event("few.a"), event("few.b", "x".repeat(300_000)), event("few.a")])
        const between = Date.now()
        yield* Effect.sleep("20 millis")
        yield* append(
          subjects
            .slice(500, 1_500)
            .toReversed()
            .map((subject) => event(subject))
        )
        const last = yield* append([event("few.c", "x".repeat(700_000))])

        const many = yield* readAll(log, "many.*", { from: "last" }, last)
        assert.deepStrictEqual(many.sequences, [...range(1, 500), ...range(begins + 1, last - 1)])
        const few = yield* readAll(log, "few.*", { from: "last" }, last)
        assert.deepStrictEqual(few.sequences, [begins - 1, begins, last])
        const since = yield* readAll(log, ">", { from: "time", time: between + 1 }, last)
        assert.deepStrictEqual(since.sequences, range(begins + 1, last))
        const all = yield* readAll(log, ">", { from: "sequence", sequence: 1 }, last)
        assert.deepStrictEqual(all.sequences, range(1, last))
        assert.isAbove(all.pages, 4)
        const late = yield* readAll(log, "few.*", { from: "time", time: Date.now() + 60_000 }, last)
        assert.deepStrictEqual(late.sequences, [])

        // Too large for one answer: of the events that wait no more than that is held.
        const filling = "x".repeat(300_000)
        const large = yield* append([0, 1, 2].map((n) => event(`large.a${n}`, filling)))
        const largest = yield* append([0, 1, 2].map((n) => event(`large.b${n}`, filling)))
        const slowly = log.history("large.*", { from: "last" })
        const given: Array<number> = []
        for (let complete = false; !complete; ) {
          const page = yield* slowly.next(largest)
          given.push(...page.events.map(({ sequence }) => sequence))
          complete = page.complete
          assert.isAtMost(slowly.heldBytes(), 1_500_000)
          if (!outside && given.length === 1) assert.isAbove(slowly.heldBytes(), filling.length)
        }
        assert.deepStrictEqual([given, slowly.heldBytes()], [range(large - 2, largest), 0])

        // A reading goes on with what was stored since.
        const more = yield* append([event("few.a")])
        const next = yield* few.history.next(more)
        assert.deepStrictEqual([next.events.map(({ sequence }) => sequence), next.complete], [[more], true])
        const consumers = yield* manage(url, async ({ streams }) => (await streams.info(name.toUpperCase())).state)
        assert.strictEqual(consumers.consumer_count, 0)
      }).pipe(Effect.scoped)
    )
  }
})
