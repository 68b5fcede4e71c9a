import { Schema } from "effect"
import type { Actor, UntypedDefinition } from "../actor.ts"
import { decoder, encoder } from "../codec.ts"

type Transcode = (value: unknown) => unknown

interface MessageCodec {
  readonly decode: Transcode
  readonly encodeReply: Transcode
  readonly encodeError: Transcode
}

/** An actor type with the functions that its schemas come down to, made once. They throw `SchemaError`. */
export interface Compiled {
  readonly type: string
  readonly definition: UntypedDefinition
  readonly messages: ReadonlyMap<string, MessageCodec>
  readonly encodeMessage: (name: string, payload: unknown) => unknown
  readonly encodeEvent: (tag: string, fields: unknown) => unknown
  readonly decodeEvent: (tag: string, data: unknown) => unknown
  readonly encodeOutput: (activity: string, output: unknown) => unknown
  readonly decodeOutput: (activity: string, data: unknown) => unknown
  readonly decodeInput: (activity: string, data: unknown) => unknown
  readonly encodeState: Transcode
  readonly decodeState: Transcode
  readonly snapshotEvery: number
  readonly complete: boolean
}

const SNAPSHOT_EVERY = 100

export const compile = (actor: Actor): Compiled => {
  const { definition } = actor
  const messages = new Map<string, MessageCodec>()
  const encoders = new Map<string, Transcode>()
  for (const [name, spec] of Object.entries(definition.protocol.messages)) {
    messages.set(name, {
      decode: decoder(spec.payload),
      encodeReply: encoder(spec.reply),
      encodeError: encoder(spec.error)
    })
    encoders.set(name, encoder(spec.payload))
  }
  const events = new Map<string, { readonly encode: Transcode; readonly decode: Transcode }>()
  for (const [tag, fields] of Object.entries(definition.events)) {
    // Open: fields that a newer version added survive in the journal of an older one.
    const schema: unknown = Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])
    const codec = schema as Schema.Codec<unknown, unknown>
    events.set(tag, { encode: encoder(codec), decode: decoder(codec) })
  }
  return {
    type: actor.type,
    definition,
    messages,
    encodeMessage: (name, payload) => known(encoders, name, "message")(payload),
    encodeEvent: (tag, fields) => known(events, tag, "event").encode(fields),
    decodeEvent: (tag, data) => known(events, tag, "event").decode(data),
    encodeOutput: (activity, output) => encoder(definition.activities?.[activity]?.output)(output),
    decodeOutput: (activity, data) => decoder(definition.activities?.[activity]?.output)(data),
    decodeInput: (activity, data) => decoder(definition.activities?.[activity]?.input)(data),
    encodeState: encoder(definition.state),
    decodeState: decoder(definition.state),
    snapshotEvery: definition.snapshotEvery ?? SNAPSHOT_EVERY,
    complete: definition.history === "complete"
  }
}

/** What a node makes of mail for a type it does not have: every message is refused, and so parked with the reason. */
export const unknownType = (type: string): Compiled =>
  compile({
    type,
    definition: {
      protocol: { type, messages: {} },
      state: Schema.Null,
      initial: () => null,
      events: {},
      decide: {},
      evolve: {},
      history: "complete"
    }
  })

const known = <A>(entries: ReadonlyMap<string, A>, name: string, what: string): A => {
  const found = entries.get(name)
  if (found === undefined) throw new Error(`the actor type has no ${what} ${JSON.stringify(name)}`)
  return found
}
