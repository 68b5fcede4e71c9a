import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule, Stream } from "effect"
import { Actors, layerNode, Operators } from "../../runtime/index.ts"
import { layerNats, layerOperatorsOutside } from "../../runtime/nats/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { asUser, serverWithUsers } from "../support/nats-users.ts"
import { Protocol, soon, troubleWith } from "./trouble.ts"

const actor = { type: "trouble", id: "a" }
const target = { kind: "actor", address: actor } as const

describe("the users of nats.conf", () => {
  it.live("let a viewer look and an operator act, and no more", () =>
    Effect.gen(function* () {
      const url = yield* serverWithUsers
      const as = (user: string) => asUser(url, user)
      const actors = [troubleWith(() => Effect.succeed("done")), counter]
      const node = Layer.provideMerge(layerNode({ name: "node", actors }), layerNats({ ...as("node"), ttlSeconds: 1 }))
      yield* Effect.gen(function* () {
        const all = yield* Actors
        yield* Effect.ignore(all.ask(Protocol, "a", "Fail", { text: "on purpose" }, soon))
        yield* all.ask(CounterProtocol, "c", "Add", { n: 1 }, soon)
        yield* looking.pipe(Effect.provide(layerOperatorsOutside(as("viewer"))))
        const acted = yield* Effect.flip(acting.pipe(Effect.provide(layerOperatorsOutside(as("viewer")))))
        assert.match(acted.message, /Permissions Violation|permission/i)
        yield* looking.pipe(Effect.provide(layerOperatorsOutside(as("operator"))))
        yield* acting.pipe(Effect.provide(layerOperatorsOutside(as("operator"))))
      }).pipe(Effect.provide(node))
    }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))
  )
})

const looking = Effect.gen(function* () {
  const operators = yield* Operators
  const found = yield* operators.inspect(actor)
  const [letter] = found.letters
  assert.strictEqual((yield* operators.letter(letter?.sequence ?? 0)).cause, "on purpose")
  assert.strictEqual((yield* operators.letters({}, 0, 10)).length, 1)
  assert.strictEqual((yield* operators.actors({}, undefined, 10)).length, 2)
  yield* operators.waiting({}, 10)
  const { records, mail } = yield* operators.recording(actor)
  assert.strictEqual(records.length, 1)
  assert.isAtLeast(mail.length, 1, "the parked message is in its letter, wherever else it was")
  assert.deepStrictEqual(yield* operators.paused, [])
  assert.deepStrictEqual(
    (yield* operators.nodes).map(({ name }) => name),
    ["node"]
  )
})

const acting = Effect.gen(function* () {
  const operators = yield* Operators
  assert.isTrue(yield* operators.pause(target, "a test"))
  assert.isTrue(yield* operators.resume(target))
  const retried = yield* operators.retryAll({ type: "trouble" }).pipe(Stream.runCollect)
  assert.deepStrictEqual(
    retried.map(({ failure }) => failure),
    [undefined]
  )
  // It fails again, and is parked again.
  const dropped = yield* operators
    .dropAll({})
    .pipe(
      Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("20 millis") }),
      Effect.timeout("5 seconds")
    )
  assert.strictEqual(dropped, 1)
})
