import { Effect, Layer, Schedule, Schema } from "effect"
import { Actors, activity, define, layerNode, Operators, persist, reply, setTimer, start } from "../../runtime/index.ts"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { NatsServer } from "./nats.ts"

const Text = Schema.Struct({ text: Schema.String })

export const MenderProtocol = {
  type: "mender",
  messages: {
    Note: { payload: Text, reply: Schema.Int },
    Read: { payload: Schema.Struct({}), reply: Schema.Array(Schema.String) },
    Remind: { payload: Schema.Struct({ name: Schema.String, at: Schema.Int }), reply: Schema.Int },
    Work: { payload: Schema.Struct({ key: Schema.String }), reply: Schema.Int }
  }
} as const

/** An actor that fails on notes in `broken`, until that is mended. */
export const mender = (broken: ReadonlySet<string>) =>
  define({
    protocol: MenderProtocol,
    state: Schema.Struct({ notes: Schema.Array(Schema.String) }),
    initial: () => ({ notes: [] }),
    events: { Noted: { text: Schema.String } },
    snapshotEvery: 5,
    activities: {
      work: activity({ input: Text, output: Schema.String, timeout: "20 seconds", run: () => Effect.never })
    },
    completed: { work: () => [] },
    decide: {
      Note: (state, { text }) => {
        if (broken.has(text)) throw new Error(`cannot note ${text}`)
        return [persist({ _tag: "Noted", text }), reply(state.notes.length + 1)]
      },
      Read: (state) => [reply(state.notes)],
      Remind: (_, { name, at }) => [setTimer(name, at, "Note", { text: name }), reply(1)],
      Work: (_, { key }) => [start("work", key, { text: "on it" }), reply(1)]
    },
    evolve: { Noted: (state, { text }) => ({ notes: [...state.notes, text] }) }
  })

export const owner = (id: string) => ({ type: "mender", id })

/** A namespace of its own on the test's server, a node with the actor, and operators. */
export const menderSystem = (namespace: string, broken: ReadonlySet<string>) =>
  Layer.unwrap(
    Effect.map(NatsServer, ({ url }) => {
      const options = { url, namespace, name: "test", ttlSeconds: 1, shards: 8 }
      const node = layerNode({ name: "node-1", actors: [mender(broken)] })
      return Layer.merge(node, layerOperators(options)).pipe(Layer.provideMerge(layerNats(options)))
    })
  )

export const tell = (id: string, ...texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => Actors.use((all) => all.tell(MenderProtocol, id, "Note", { text })), {
    discard: true
  })

const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (value: A) => boolean) =>
  effect.pipe(Effect.repeat({ until, schedule: Schedule.spaced("20 millis") }), Effect.timeout("6 seconds"))

/** Waits until there are so many dead letters of an actor. */
export const lettersOf = (id: string, count: number) =>
  eventually(
    Operators.use((all) => all.letters(owner(id), 0, 100)),
    (letters) => letters.length === count
  )

/** Waits until the actor has noted so much. */
export const notesOf = (id: string, count: number) =>
  eventually(
    Actors.use((all) => all.ask(MenderProtocol, id, "Read", {}, { timeout: "4 seconds" })),
    (notes) => notes.length >= count
  )
