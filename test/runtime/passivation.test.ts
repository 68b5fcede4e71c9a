import { assert, describe, layer, it as plain } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { ActivationCache, type CachedActivation } from "../../runtime/engine/actor/activation-cache.ts"
import { ActorLog, Actors, define, layerNode, persist, reply } from "../../runtime/index.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const NoteProtocol = {
  type: "notes",
  messages: { Add: { payload: Schema.Struct({ text: Schema.String }), reply: Schema.Int } }
} as const

/** An actor that takes as much memory as one likes. */
const notes = define({
  protocol: NoteProtocol,
  snapshotEvery: 1,
  state: Schema.Struct({ texts: Schema.Array(Schema.String) }),
  initial: () => ({ texts: [] }),
  events: { Added: { text: Schema.String } },
  decide: { Add: ({ texts }, { text }) => [persist({ _tag: "Added", text }), reply(texts.length + 1)] },
  evolve: { Added: ({ texts }, { text }) => ({ texts: [...texts, text] }) }
})

const ids = Array.from({ length: 30 }, (_, index) => `n${index}`)

layer(NatsServer.layer, { excludeTestServices: true })("an actor that does nothing", (it) => {
  it.effect("is passivated, and comes back as it was", () => {
    const loaded: Array<string> = []
    const watched = Layer.effect(
      ActorLog,
      Effect.map(ActorLog, (log) =>
        ActorLog.of({
          ...log,
          readJournal: (owner) => {
            loaded.push(owner.id)
            return log.readJournal(owner)
          }
        })
      )
    )
    // Each holds 10,000 characters, so about 40 kB; ten of them are too many.
    const options = { name: "one", actors: [notes], memoryBytesMax: 400_000, sweepEvery: "200 millis" } as const
    const node = layerNode(options).pipe(Layer.provide(watched))
    const text = "x".repeat(10_000)
    const add = (id: string) =>
      Actors.use((all) => all.ask(NoteProtocol, id, "Add", { text: id === "n0" ? "y" : text }))
    return Effect.gen(function* () {
      yield* Effect.forEach(ids, add)
      for (let time = 0; time < 4; time++) {
        yield* Effect.sleep("150 millis")
        yield* add("n29")
      }
      loaded.length = 0
      const counts = yield* Effect.forEach(ids.toReversed(), add)
      assert.strictEqual(counts[0], 6)
      assert.deepStrictEqual(new Set(counts.slice(1)), new Set([2]))
      assert.notInclude(loaded, "n29", "who was used last has stayed")
      assert.isAtLeast(loaded.length, 20, "who was used least recently has not")
    }).pipe(Effect.provide(Layer.provideMerge(node, client({ namespace: "memory" }))))
  })
})

describe("residents", () => {
  /** Actors that were used at a time, weigh something, and may be busy. */
  const make = (all: ReadonlyArray<{ used: number; weight: number; busy?: boolean }>, now: number) => {
    const gone: Array<number> = []
    const residents = new ActivationCache<CachedActivation>({
      now: () => now,
      idleMillisMax: 100,
      memoryBytesMax: 100,
      users: [],
      counts: { activations: 0, passivations: 0 }
    })
    all.forEach(({ used, weight, busy }, index) => {
      const activation = { lastUsed: used, weight }
      residents.add(activation, () => {
        if (busy === true) return false
        gone.push(index)
        residents.forget(activation)
        return true
      })
    })
    return { residents, gone }
  }

  plain("who did nothing for long is passivated, unless it is busy", () => {
    const { residents, gone } = make(
      [
        { used: 10, weight: 1 },
        { used: 10, weight: 1, busy: true },
        { used: 950, weight: 1 }
      ],
      1_000
    )
    assert.strictEqual(residents.sweep(), 1)
    assert.deepStrictEqual(gone, [0])
    assert.strictEqual(residents.size, 2)
  })

  plain("who was used least recently makes room, and no more than needed", () => {
    const { residents, gone } = make(
      [
        { used: 950, weight: 30 },
        { used: 990, weight: 50 },
        { used: 910, weight: 20, busy: true },
        { used: 920, weight: 20 }
      ],
      1_000
    )
    residents.sweep()
    assert.deepStrictEqual(gone, [3, 0])
  })
})
