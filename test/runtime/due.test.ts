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
import { manage } from "../support/manage.ts"
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

const set = (name: string, millis: number, id = "c") =>
  Actors.use((all) => all.ask(Clocked, id, "Set", { name, millis }))
const readOf = (id: string) => Actors.use((all) => all.ask(Clocked, id, "Read", null))
const read = readOf("c")
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

const HERD = 40
const BY_LOG = 5
const herd = Array.from({ length: HERD }, (_, index) => `h${index}`)
/** All are due within the same second, well after all are set. */
const setHerd = Effect.suspend(() => {
  const due = Math.ceil((Date.now() + 1_500) / 1_000) * 1_000 + 500
  return Effect.forEach(herd, (id) => set("t", due - Date.now(), id), { concurrency: 10, discard: true })
})
const rung = Effect.map(Effect.forEach(herd, readOf, { concurrency: 10 }), (each) => each.flat().length)
const untilRung = (count: number) =>
  rung.pipe(
    Effect.repeat({ until: (now) => now >= count, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("8 seconds")
  )
const wary = layerNode({ name: "node", actors: [clocked], timersByLogMax: BY_LOG })

layer(NatsServer.layer, { excludeTestServices: true })("many timers that are due in one second", (it) => {
  it.effect("are fired by the node, but for the few that the log fires in time", () =>
    Effect.gen(function* () {
      yield* setHerd
      assert.strictEqual(yield* untilRung(HERD - BY_LOG), HERD - BY_LOG)
    }).pipe(Effect.provide(wary), Effect.provide(withoutTimers), Effect.provide(client({ namespace: "herd" })))
  )

  it.effect("ring once each, and the log has no schedule left of them", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      yield* setHerd
      yield* set("t", 60_000, "later")
      yield* untilRung(HERD)
      const schedules = yield* manage(url, (manager) =>
        manager.streams.info("SPARED", { subjects_filter: "spared.timer.>" })
      ).pipe(
        Effect.map(({ state }) => Object.keys(state.subjects ?? {})),
        Effect.repeat({ until: (left) => left.length <= 1, schedule: Schedule.spaced("100 millis") }),
        Effect.timeout("5 seconds")
      )
      assert.lengthOf(schedules, 1)
      assert.include(schedules[0], "later")
      assert.strictEqual(yield* rung, HERD)
    }).pipe(Effect.provide(wary), Effect.provide(client({ namespace: "spared" })))
  )
})
