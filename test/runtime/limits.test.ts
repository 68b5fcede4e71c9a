import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Schedule, Schema } from "effect"
import { Actors, activity, define, layerNode, persist, publish, reply, start } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { client, system } from "../support/system.ts"

const Protocol = {
  type: "worker",
  messages: {
    Work: { payload: Schema.Struct({}), reply: Schema.Int },
    Tick: { payload: Schema.Struct({}), reply: Schema.Int },
    Look: { payload: Schema.Struct({}), reply: Schema.Int },
    Burst: { payload: Schema.Struct({ size: Schema.Int }), reply: Schema.Int }
  }
} as const
const sparks = { type: "spark", data: Schema.Int } as const

/** Works for 100 ms, and counts how many do so at once. */
const makeWorkers = (options: {
  readonly concurrency?: number
  readonly named?: number
  readonly rate?: number
  readonly per?: "1 second" | "1 hour"
}) => {
  const seen = { now: 0, most: 0 }
  const worker = define({
    protocol: Protocol,
    limits: {
      ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
      ...(options.rate !== undefined && { rate: { messages: options.rate, per: options.per ?? "1 second" } })
    },
    state: Schema.Struct({ done: Schema.Int }),
    initial: () => ({ done: 0 }),
    events: { Done: {} },
    activities: {
      work: activity({
        input: Schema.Null,
        output: Schema.Null,
        timeout: "10 seconds",
        ...(options.named !== undefined && { concurrency: options.named }),
        run: () =>
          Effect.gen(function* () {
            seen.now++
            seen.most = Math.max(seen.most, seen.now)
            yield* Effect.sleep("100 millis")
            seen.now--
            return null
          })
      })
    },
    decide: {
      Work: ({ done }) => [start("work", "w", null), reply(done)],
      Tick: ({ done }) => [persist({ _tag: "Done" }), reply(done + 1)],
      Look: ({ done }) => [reply(done)],
      Burst: ({ done }, { size }) => [
        persist({ _tag: "Done" }),
        ...Array.from({ length: size }, (_, n) => publish(sparks, "spark", n)),
        reply(done + 1)
      ]
    },
    completed: { work: () => [persist({ _tag: "Done" })] },
    evolve: { Done: ({ done }) => ({ done: done + 1 }) }
  })
  return { seen, worker }
}

const ids = Array.from({ length: 12 }, (_, index) => `w${index}`)
const workAll = Effect.forEach(ids, (id) => Actors.use((all) => all.tell(Protocol, id, "Work", {})), {
  concurrency: 12
}).pipe(Effect.andThen(Effect.sleep("1500 millis")))
const tick = (id: string) => Actors.use((all) => all.ask(Protocol, id, "Tick", {}, { timeout: "8 seconds" }))
const done = Effect.forEach(ids, tick, { concurrency: 12 })

layer(NatsServer.layer, { excludeTestServices: true })("the limits of an actor type", (it) => {
  it.effect("let so many of its actors work at once, and all of them in the end", () => {
    const { seen, worker } = makeWorkers({ concurrency: 3 })
    return Effect.gen(function* () {
      yield* workAll
      assert.strictEqual(seen.most, 3)
      assert.deepStrictEqual(
        yield* done,
        ids.map(() => 2)
      )
    }).pipe(Effect.provide(system({ namespace: "atonce", actors: [worker] })))
  })

  it.effect("let so many messages through in a time, and all of them in the end", () => {
    const { worker } = makeWorkers({ rate: 20 })
    return Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis
      for (let round = 0; round < 3; round++) yield* done
      const took = (yield* Clock.currentTimeMillis) - before
      assert.isAtLeast(took, 700, "36 messages, 20 of them at once and 20 a second")
      assert.deepStrictEqual(
        yield* done,
        ids.map(() => 4)
      )
    }).pipe(Effect.provide(system({ namespace: "rated", actors: [worker] })))
  })

  it.effect("let an actor that has the only place go on when its rate does", () => {
    const { worker } = makeWorkers({ concurrency: 1, rate: 3 })
    return Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis
      yield* Actors.use((all) => all.tell(Protocol, "w0", "Work", {}))
      const counts = yield* Effect.all([tick("w0"), tick("w0"), tick("w0"), tick("w0")], { concurrency: 4 })
      assert.includeMembers([4, 5], [Math.max(...counts)])
      const took = (yield* Clock.currentTimeMillis) - before
      assert.isBelow(took, 3_000, "nobody has to ask again")
    }).pipe(Effect.provide(system({ namespace: "starved", actors: [worker] })))
  })

  it.effect("let so many activities of a name run at once", () => {
    const { seen, worker } = makeWorkers({ named: 2 })
    return Effect.gen(function* () {
      yield* workAll
      assert.strictEqual(seen.most, 2)
      assert.deepStrictEqual(
        yield* done,
        ids.map(() => 2)
      )
    }).pipe(Effect.provide(system({ namespace: "named", actors: [worker] })))
  })

  it.effect("call as many actors one after the other as wait, whose messages have no effect", () => {
    const { worker } = makeWorkers({ concurrency: 1 })
    return Effect.gen(function* () {
      const all = yield* Actors
      yield* all.tell(Protocol, "first", "Work", {})
      const looks = Array.from({ length: 3_000 }, (_, index) => all.ask(Protocol, `l${index}`, "Look", {}))
      const seen = yield* Effect.all(looks, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(seen), new Set([0]))
      assert.strictEqual(yield* tick("first"), 2, "the node is well")
    }).pipe(Effect.provide(system({ namespace: "chain", actors: [worker] })))
  })

  it.effect("take nothing of a rate for a message that does not fit into a commit and is decided again", () => {
    const { worker } = makeWorkers({ rate: 12, per: "1 hour" })
    // The large ones do not fit behind the small ones.
    const burst = (_: string, index: number) =>
      Actors.use((all) =>
        all.ask(Protocol, "b", "Burst", { size: index % 2 === 0 ? 200 : 900 }, { timeout: "8 seconds" })
      )
    return Effect.gen(function* () {
      const counts = yield* Effect.all(ids.map(burst), { concurrency: 12 })
      assert.strictEqual(Math.max(...counts), 12)
    }).pipe(Effect.provide(system({ namespace: "bursts", actors: [worker] })))
  })
})

const Patient = {
  type: "patient",
  messages: {
    Try: { payload: Schema.Struct({ fails: Schema.Boolean }) },
    Read: { payload: Schema.Null, reply: Schema.Int }
  }
} as const

/** Its tries fail, and the next one is an hour away. */
const makePatient = (tried: () => void) =>
  define({
    protocol: Patient,
    state: Schema.Struct({ done: Schema.Int }),
    initial: () => ({ done: 0 }),
    events: { Done: {} },
    activities: {
      try: activity({
        input: Schema.Boolean,
        output: Schema.Null,
        timeout: "10 seconds",
        concurrency: 2,
        retry: Schedule.spaced("1 hour"),
        run: (fails) =>
          Effect.suspend(() => {
            tried()
            return fails ? Effect.fail("not yet") : Effect.succeed(null)
          })
      })
    },
    decide: {
      Try: (_, { fails }) => [start("try", "t", fails)],
      Read: ({ done }) => [reply(done)]
    },
    completed: { try: () => [persist({ _tag: "Done" })] },
    evolve: { Done: ({ done }) => ({ done: done + 1 }) }
  })

layer(NatsServer.layer, { excludeTestServices: true })("an activity that waits to be tried again", (it) => {
  it.effect("takes no place from others, neither of its node nor of its name", () => {
    let tries = 0
    const patient = makePatient(() => tries++)
    const wait = (until: () => boolean) =>
      Effect.sync(until).pipe(Effect.repeat({ until: (is) => is, schedule: SOON }), Effect.timeout("5 seconds"))
    return Effect.gen(function* () {
      const all = yield* Actors
      for (const id of ["a", "b"]) yield* all.tell(Patient, id, "Try", { fails: true })
      yield* wait(() => tries === 2)
      yield* all.tell(Patient, "c", "Try", { fails: false })
      yield* wait(() => tries === 3)
    }).pipe(
      Effect.provide(layerNode({ name: "node", actors: [patient], activitiesMax: 2 })),
      Effect.provide(client({ namespace: "patient" }))
    )
  })
})

const SOON = Schedule.spaced("20 millis")
