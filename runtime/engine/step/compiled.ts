import { Duration, Schema } from "effect"
import type { Actor, UntypedDefinition, Upcaster } from "../../actor.ts"
import { decoder, encoder } from "../../codec.ts"

type Transcode = (value: unknown) => unknown

interface MessageCodec {
  /** Decodes a payload of some version of the protocol. */
  readonly decode: (body: unknown, version: number) => unknown
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
  /** Decodes what a version of the actor type wrote. */
  readonly decodeEvent: (tag: string, data: unknown, version: number) => unknown
  readonly encodeInput: (activity: string, input: unknown) => unknown
  readonly encodeOutput: (activity: string, output: unknown) => unknown
  readonly decodeOutput: (activity: string, data: unknown) => unknown
  readonly decodeInput: (activity: string, data: unknown) => unknown
  readonly encodeState: Transcode
  readonly decodeState: (json: unknown, version: number) => unknown
  /** Of state and events, and of messages. */
  readonly version: number
  readonly protocolVersion: number
  readonly snapshotEvery: number
  readonly snapshotCharacters: number
  readonly complete: boolean
  readonly rememberCount: number
  readonly rememberMillis: number
  /** How many failures an actor keeps the times of. */
  readonly failuresKept: number
  readonly mailboxMax: number
}

const SNAPSHOT_EVERY = 100
const SNAPSHOT_CHARACTERS = 262_144
const REMEMBER_COUNT = 256
const REMEMBER_FOR = Duration.days(1)
const MAILBOX_MAX = 100_000

/** The same for the same actor, each time. */
export const compile = (actor: Actor): Compiled => {
  let compiled = known.get(actor)
  if (compiled === undefined) {
    compiled = compileWith(actor, { encoder, decoder })
    known.set(actor, compiled)
  }
  return compiled
}

const known = new WeakMap<Actor, Compiled>()

/** How values become JSON and come out of it. */
export interface Codecs {
  readonly encoder: typeof encoder
  readonly decoder: typeof decoder
}

/** With codecs of one's own, for a host that stores nothing. */
export const compileWith = (actor: Actor, { encoder, decoder }: Codecs): Compiled => {
  const { definition } = actor
  const version = definition.version ?? 1
  const protocolVersion = definition.protocol.version ?? 1
  const messages = new Map<string, MessageCodec>()
  const encoders = new Map<string, Transcode>()
  for (const [name, spec] of Object.entries(definition.protocol.messages)) {
    const upcast = upcaster(definition.upcast?.messages?.[name], protocolVersion)
    const decode = decoder(spec.payload)
    messages.set(name, {
      decode: (body, from) => decode(upcast(body, from)),
      encodeReply: encoder(spec.reply),
      encodeError: encoder(spec.error)
    })
    encoders.set(name, encoder(spec.payload))
  }
  const events = new Map<string, { readonly encode: Transcode; readonly decode: MessageCodec["decode"] }>()
  for (const [tag, fields] of Object.entries(definition.events)) {
    const codec = openStruct(fields)
    const upcast = upcaster(definition.upcast?.events?.[tag], version)
    const decode = decoder(codec)
    events.set(tag, { encode: encoder(codec), decode: (data, from) => decode(upcast(data, from)) })
  }
  const state = opened(definition.state)
  const decodeState = decoder(state)
  const upcastState = upcaster(definition.upcast?.state, version)
  return {
    type: actor.type,
    definition,
    messages,
    encodeMessage: (name, payload) => found(encoders, name, "message")(payload),
    encodeEvent: (tag, fields) => found(events, tag, "event").encode(fields),
    decodeEvent: (tag, data, from) => found(events, tag, "event").decode(data, from),
    encodeInput: (activity, input) => encoder(definition.activities?.[activity]?.input)(input),
    encodeOutput: (activity, output) => encoder(definition.activities?.[activity]?.output)(output),
    decodeOutput: (activity, data) => decoder(definition.activities?.[activity]?.output)(data),
    decodeInput: (activity, data) => decoder(definition.activities?.[activity]?.input)(data),
    encodeState: encoder(state),
    decodeState: (json, from) => decodeState(upcastState(json, from)),
    version,
    protocolVersion,
    snapshotEvery: definition.snapshotEvery ?? SNAPSHOT_EVERY,
    snapshotCharacters: definition.snapshotCharacters ?? SNAPSHOT_CHARACTERS,
    complete: definition.history === "complete",
    rememberCount: definition.remember?.count ?? REMEMBER_COUNT,
    rememberMillis: Duration.toMillis(Duration.fromInputUnsafe(definition.remember?.for ?? REMEMBER_FOR)),
    failuresKept: definition.supervision?.limit?.failures ?? 0,
    mailboxMax: definition.limits?.mailbox ?? MAILBOX_MAX
  }
}

/** A struct that keeps the fields it does not know: what a newer version added survives in the journal of an older one. */
const opened = (schema: Schema.Codec<unknown, unknown>): Schema.Codec<unknown, unknown> => {
  const { ast } = schema
  const fields: unknown = "fields" in schema && ast._tag === "Objects" && ast.checks === undefined && schema.fields
  if (typeof fields !== "object") return schema
  // A schema whose AST is `Objects` and that has fields is a struct.
  return openStruct(fields as Schema.Struct.Fields)
}

const openStruct = (fields: Schema.Struct.Fields): Schema.Codec<unknown, unknown> => {
  const open: unknown = Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])
  return open as Schema.Codec<unknown, unknown>
}

/** Brings JSON of any older version up to this one, version by version. */
const upcaster = (steps: Upcaster | undefined, current: number) => (json: unknown, from: number) => {
  if (steps === undefined) return json
  let upcasted = json
  for (let version = from; version < current; version++) {
    const step = steps[version]
    if (step !== undefined) upcasted = step(upcasted)
  }
  return upcasted
}

const found = <A>(entries: ReadonlyMap<string, A>, name: string, what: string): A => {
  const entry = entries.get(name)
  if (entry === undefined) throw new Error(`the actor type has no ${what} ${JSON.stringify(name)}`)
  return entry
}
