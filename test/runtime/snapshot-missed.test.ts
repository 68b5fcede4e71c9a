import { assert, layer } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import { ActorLog, Actors, define, persist, reply } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { system } from "../support/system.ts"

const Protocol = {
  type: "hoarder",
  messages: { Add: { payload: Schema.Struct({ text: Schema.String }), reply: Schema.Int } }
} as const

/** It keeps all that it is told. */
const hoarder = define({
  protocol: Protocol,
  state: Schema.Struct({ texts: Schema.Array(Schema.String) }),
  initial: () => ({ texts: [] }),
  events: { Added: { text: Schema.String } },
  snapshotCharacters: 100_000,
  decide: {
    Add: (state, { text }) => [persist({ _tag: "Added", text }), reply(state.texts.length + 1)]
  },
  evolve: { Added: (state, { text }) => ({ texts: [...state.texts, text] }) }
})

layer(NatsServer.layer, { excludeTestServices: true })("an actor that is too large for a snapshot", (it) => {
  it.effect("is told of once, and works on", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      const log = yield* ActorLog
      const alerts: Array<string> = []
      yield* log.watch("alert.warning", ({ payload }) => alerts.push(payload))
      const add = (n: number) => actors.ask(Protocol, "one", "Add", { text: `${n}`.padEnd(300_000, "x") })
      for (let n = 1; n <= 3; n++) assert.strictEqual(yield* add(n), n)
      assert.deepStrictEqual(alerts, [])
      for (let n = 4; n <= 12; n++) assert.strictEqual(yield* add(n), n)
      yield* Effect.sync(() => alerts.length).pipe(
        Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("10 millis") }),
        Effect.timeout("10 seconds")
      )
      yield* Effect.sleep("100 millis")
      assert.lengthOf(alerts, 1)
      assert.match(
        alerts[0]!,
        /"code":"no_snapshot","message":"hoarder\/one gets no snapshot: it has \d+ bytes, and a message/
      )
    }).pipe(Effect.provide(system({ namespace: "hoards", actors: [hoarder] })), Effect.scoped)
  )
})
