import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schedule, Schema } from "effect"
import {
  ActorLog,
  Actors,
  cancelTimer,
  define,
  type Entry,
  layerNode,
  persist,
  reply,
  setTimer
} from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const Clocked = {
  type: "clocked",
  messages: {
    Set: { payload: Schema.Struct({ name: Schema.String, millis: Schema.Int }), reply: Schema.Null },
    Cancel: { payload: Schema.Struct({ name: Schema.String }), reply: Schema.Null },
    Ring: { payload: Schema.Struct({ name: Schema.String }) },
    Read: { payload: Schema.Null, reply: Schema.Array(Schema.String) }
  }
} as const

const clocked = define({
  protocol: Clocked,
  state: Schema.Struct({ rung: Schema.Array(Schema.String) }),
  initial: () => ({ rung: [] }),
  events: { Rang: { name: Schema.String } },
  decide: {
    Set: (_, { name, millis }, { time }) => [setTimer(name, time + millis, "Ring", { name }), reply(null)],
    Cancel: (_, { name }) => [cancelTimer(name), reply(null)],
    Ring: (_, { name }) => [persist({ _tag: "Rang", name })],
    Read: ({ rung }) => [reply(rung)]
  },
  evolve: { Rang: ({ rung }, { name }) => ({ rung: [...rung, name] }) }
})

/** A log that takes timers and never fires them. */
const withoutTimers = Layer.effect(
  ActorLog,
  Effect.map(ActorLog, (log) =>
    ActorLog.of({ ...log, append: (entries) => log.append(entries.map((entry) => (isTimer(entry) ? NOTHING : entry))) })
  )
)
const isTimer = ({ kind }: Entry) => kind === "timer" || kind === "untimer"
const NOTHING: Entry = { kind: "event", subject: "nothing", payload: "{}" }

const set = (name: string, millis: number) => Actors.use((all) => all.ask(Clocked, "c", "Set", { name, millis }))
const read = Actors.use((all) => all.ask(Clocked, "c", "Read", null))
const until = (count: number) =>
  read.pipe(
    Effect.repeat({ until: (rung) => rung.length >= count, schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("8 seconds")
  )
const node = layerNode({ name: "node", actors: [clocked] })

layer(NatsServer.layer, { excludeTestServices: true })("a timer that is due soon", (it) => {
  it.effect("is fired by the node, also where the log would be late, but for one that was cancelled or set anew", () =>
    Effect.gen(function* () {
      yield* set("past", -1_000)
      yield* set("soon", 50)
      yield* set("cancelled", 300)
      yield* Actors.use((all) => all.ask(Clocked, "c", "Cancel", { name: "cancelled" }))
      yield* set("anew", 300)
      yield* set("anew", 600)
      assert.deepStrictEqual(yield* until(3), ["past", "soon", "anew"])
      yield* Effect.sleep("400 millis")
      assert.lengthOf(yield* read, 3)
    }).pipe(Effect.provide(node), Effect.provide(withoutTimers), Effect.provide(client({ namespace: "node" })))
  )

  it.effect("rings once where the log fires it as well", () =>
    Effect.gen(function* () {
      for (let index = 0; index < 10; index++) yield* set(`t${index}`, index * 20)
      yield* until(10)
      // The server takes that long to fire those of which the node was quicker.
      yield* Effect.sleep("1 second")
      assert.lengthOf(yield* read, 10)
    }).pipe(Effect.provide(node), Effect.provide(client({ namespace: "both" })))
  )
})
