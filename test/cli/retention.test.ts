import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { ulid } from "ulid"
import { requestedId } from "../../actors/consensus/opened-at.ts"
import { configuration, fromRecord } from "../../cli/config.ts"
import { keepSize, sweepRounds } from "../../cli/run/retention.ts"
import { ActorLog, Archive, type Entry } from "../../runtime/index.ts"
import { sealRecord } from "../../runtime/journal.ts"
import { NatsServer, temporaryFolder } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const HOUR = 3_600_000

const recordOf = (id: string, tag: string, expected: number): Entry => ({
  kind: "journal",
  owner: { type: "consensus", id },
  payload: sealRecord(
    JSON.stringify({
      version: 1,
      kept: 1,
      previous: expected,
      steps: [{ sequence: 1, message: "m", time: 0, correlation: "", events: [{ _tag: tag, data: {} }] }]
    })
  ),
  expected,
  snapshot: false,
  truncate: false
})

const store = (id: string, closed: boolean) =>
  Effect.gen(function* () {
    const log = yield* ActorLog
    const first = yield* log.append([recordOf(id, "Opened", 0)])
    if (closed) yield* log.append([recordOf(id, "Closed", first)])
    return id
  })

const left = Archive.use((archive) =>
  Effect.map(archive.journals({ type: "consensus" }, undefined, 10_000), (all) => all.map(({ address }) => address.id))
)

layer(NatsServer.layer, { excludeTestServices: true })("what is kept", (it) => {
  it.effect(
    "of rounds: none that is older than it may be, none that is closed and older than room allows, and all others",
    () =>
      Effect.gen(function* () {
        const archive = yield* Archive
        const now = Date.now()
        const ancient = yield* Effect.forEach(
          Array.from({ length: 600 }, (_, index) => index),
          (index) => store(ulid(now - 50 * HOUR + index), index % 2 === 0)
        )
        const open = yield* store(ulid(now - HOUR), false)
        const closed = yield* store(ulid(now - HOUR + 1), true)
        const young = yield* store(ulid(now), true)
        const named = yield* store("NOTAULIDBUTTWENTYSIXLETTER", false)
        assert.strictEqual(yield* sweepRounds(archive, now - 10 * HOUR), ancient.length)
        assert.deepStrictEqual(yield* left, [open, closed, young, named])
        assert.strictEqual(yield* sweepRounds(archive, now - 1), 1)
        assert.deepStrictEqual(yield* left, [open, young, named])
      }).pipe(Effect.provide(operatorsOf("rounds")))
  )

  it.effect("of rounds that somebody asked for less long, and from where the last look ended", () =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const now = 1_700_000_000_000
      const [oldest, older, market, young] = [
        yield* store(requestedId(ulid(now - 30 * HOUR)), true),
        yield* store(requestedId(ulid(now - 20 * HOUR)), true),
        yield* store(ulid(now - 19 * HOUR), true),
        yield* store(requestedId(ulid(now - HOUR)), true)
      ]
      const sweep = (since?: number) => sweepRounds(archive, now - 10 * HOUR, { since, requested: true })
      assert.strictEqual(yield* sweep(now - 25 * HOUR), 1)
      assert.deepStrictEqual(yield* left, [oldest, market, young])
      assert.notInclude(yield* left, older)
      assert.strictEqual(yield* sweep(), 1)
      assert.deepStrictEqual(yield* left, [market, young])
    }).pipe(Effect.provide(operatorsOf("requested")))
  )

  it.effect("of events in a data folder that is full: the newest, and less each time that it is looked at", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      const archive = yield* Archive
      const folder = yield* temporaryFolder
      for (let index = 0; index < 40; index++) yield* log.append([{ kind: "event", subject: "a.b", payload: "{}" }])
      const config = { ...(yield* configuration.pipe(Effect.provide(fromRecord({})))), dataLimit: 0 }
      const before = (yield* archive.oldestEvent)!
      yield* Effect.forkScoped(keepSize(folder, config))
      const oldest = yield* archive.oldestEvent.pipe(
        Effect.repeat({
          until: (event) => event?.sequence !== before.sequence,
          schedule: Schedule.spaced("20 millis")
        }),
        Effect.timeout("8 seconds")
      )
      assert.strictEqual(oldest?.sequence, before.sequence + 10, "the oldest quarter is gone, and nothing else")
      assert.isDefined(yield* archive.eventFrom(before.sequence + 39))
    }).pipe(Effect.provide(operatorsOf("events")), Effect.scoped)
  )
})
