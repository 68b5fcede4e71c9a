import { assert, describe, layer, it as plain } from "@effect/vitest"
import { Deferred, Effect, Layer, Schedule, Schema } from "effect"
import fc from "fast-check"
import { extended, Mailbox } from "../../runtime/engine/actor/mailbox.ts"
import { ActorLog, Actors, define, layerNode, type Mail, persist, reply } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const SlowProtocol = {
  type: "slow",
  messages: {
    Add: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int },
    Read: { payload: Schema.Struct({}), reply: Schema.Struct({ count: Schema.Int, ordered: Schema.Boolean }) }
  }
} as const

/** Decides fifty messages in a tenth of a second, and no more. */
const slow = (mailbox: number, messages = 50) =>
  define({
    protocol: SlowProtocol,
    limits: { mailbox, rate: { messages, per: "100 millis" } },
    state: Schema.Struct({ count: Schema.Int, last: Schema.Int, ordered: Schema.Boolean }),
    initial: () => ({ count: 0, last: -1, ordered: true }),
    events: { Added: { n: Schema.Int } },
    decide: {
      Add: ({ count }, { n }) => [persist({ _tag: "Added", n }), reply(count + 1)],
      Read: ({ count, ordered }) => [reply({ count, ordered })]
    },
    evolve: {
      Added: ({ count, last, ordered }, { n }) => ({ count: count + 1, last: n, ordered: ordered && n === last + 1 })
    }
  })

const tell = (id: string, n: number) => Actors.use((all) => all.tell(SlowProtocol, id, "Add", { n }))
const readSlow = (id: string) => Actors.use((all) => all.ask(SlowProtocol, id, "Read", {}, { timeout: "20 seconds" }))
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

layer(NatsServer.layer, { excludeTestServices: true })("an actor with more mail than it can take", (it) => {
  it.effect(
    "keeps what does not fit in memory in the log, decides all of it once and in order, and holds up nobody else",
    () => {
      const reads: Array<number> = []
      const held = Deferred.makeUnsafe<void>()
      // The journal of the slow one comes late: until then its mail can only wait.
      const late = Layer.effect(
        ActorLog,
        Effect.map(ActorLog, (log) =>
          ActorLog.of({
            ...log,
            readJournal: (owner) =>
              owner.id === "late"
                ? Effect.andThen(Deferred.await(held), log.readJournal(owner))
                : log.readJournal(owner),
            readMail: (owner, after, max) => {
              reads.push(after)
              return log.readMail(owner, after, max)
            }
          })
        )
      )
      const node = layerNode({ name: "one", actors: [slow(1_000_000, 100_000), counter] }).pipe(Layer.provide(late))
      return Effect.gen(function* () {
        const all = yield* Actors
        const count = 22_000
        yield* Effect.forEach(numbers(count), (n) => tell("late", n), { concurrency: 4_000, discard: true })
        assert.strictEqual(yield* all.ask(CounterProtocol, "other", "Add", { n: 1 }), 1, "others are not held up")
        assert.deepStrictEqual(reads, [])
        yield* Deferred.succeed(held, undefined)
        assert.deepStrictEqual(yield* readSlow("late"), { count, ordered: true })
        assert.isAbove(reads.length, 5, "most of it was read again")
      }).pipe(Effect.provide(Layer.provideMerge(node, client({ namespace: "backlog" }))))
    },
    60_000
  )

  it.effect("refuses more at its senders, who are told how long to wait, and takes it again later", () => {
    const node = layerNode({ name: "one", actors: [slow(100)] })
    return Effect.gen(function* () {
      yield* readSlow("a")
      const told = yield* Effect.forEach(numbers(9_000), (n) => Effect.exit(tell("a", n)), { concurrency: 500 })
      const accepted = told.filter((exit) => exit._tag === "Success").length
      assert.isBelow(accepted, 9_000)
      const refused = yield* Effect.flip(tell("a", 0)).pipe(
        Effect.retry({ schedule: Schedule.spaced("5 millis"), times: 200 })
      )
      assert.strictEqual(refused._tag, "MailboxFull")
      if (refused._tag === "MailboxFull") {
        assert.strictEqual(refused.actor, "slow/a")
        assert.isAbove(refused.waiting, 100)
        assert.isAtLeast(refused.retry_after_ms, 1)
        assert.isAtMost(refused.retry_after_ms, 1_500)
      }
    }).pipe(Effect.provide(Layer.provideMerge(node, client({ namespace: "crowded" }))))
  })
})

describe("a mailbox", () => {
  plain("gives every message once and in order, however much is set aside and read again", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ deliver: fc.integer({ min: 1, max: 40 }), characters: fc.constantFrom(10, 1_000_000) }),
        fc.record({ shift: fc.integer({ min: 1, max: 30 }) }),
        fc.record({ refill: fc.integer({ min: 1, max: 20 }) }),
        fc.constant({ leave: true })
      ),
      { maxLength: 60 }
    )
    fc.assert(
      fc.property(steps, (all) => {
        const mailbox = new Mailbox()
        const log: Array<Mail> = []
        const taken: Array<number> = []
        const shift = (count: number) => {
          taken.push(...mailbox.queue.slice(0, count).map((mail) => mail.sequence))
          mailbox.shift(count)
        }
        const refill = (count: number) => {
          const from = mailbox.beginReading()
          if (from !== undefined) mailbox.refill(log.filter((mail) => mail.sequence >= from).slice(0, count))
        }
        for (const step of all) {
          if ("deliver" in step) {
            for (let index = 0; index < step.deliver; index++) {
              const payload = "x".repeat(step.characters)
              const sequence = log.length * 3 + 1
              const mail = { to: { type: "a", id: "a" }, shard: "any.0", sequence, time: 0, payload }
              log.push(mail)
              mailbox.offer(mail)
            }
          } else if ("shift" in step) shift(step.shift)
          else if ("refill" in step) refill(step.refill)
          else mailbox.setAllAside()
        }
        while (mailbox.waiting > 0) {
          shift(1_000)
          refill(1_000)
        }
        assert.deepStrictEqual(
          taken,
          log.map((mail) => mail.sequence)
        )
      }),
      { numRuns: 60 }
    )
  })

  plain("a backlog reaches from its oldest message to its newest", () => {
    const mail = (sequence: number) => ({ to: { type: "a", id: "a" }, shard: "any.0", sequence, time: 0, payload: "" })
    assert.deepStrictEqual(extended(extended(undefined, mail(5)), mail(9)), { from: 5, upTo: 9, count: 2 })
  })
})
