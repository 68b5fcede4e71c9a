import { Schema } from "effect"
import {
  type Actor,
  type Address,
  canonical,
  type Envelope,
  type StepRecord,
  seededRandom
} from "../../runtime/index.ts"

type Events = NonNullable<StepRecord["events"]>
type Decode = (data: unknown) => unknown
export type MessageEnvelope = Extract<Envelope, { kind: "message" }>

/** A message in a mailbox. */
export interface Delivered {
  readonly self: Address
  readonly sequence: number
  readonly time: number
  readonly envelope: MessageEnvelope
}

/** An actor type as its journal is folded, apart from the runtime: its own functions and schemas, and nothing else. */
export class Fold {
  readonly #actor: Actor
  readonly #events = new Map<string, Decode>()
  readonly #payloads = new Map<string, Decode>()
  readonly #encode: Decode

  constructor(actor: Actor) {
    this.#actor = actor
    this.#encode = Schema.encodeUnknownSync(Schema.toCodecJson(actor.definition.state))
  }

  initial(address: Address): unknown {
    return this.#actor.definition.initial(address)
  }

  evolve(state: unknown, events: Events): unknown {
    let next = state
    for (const { _tag, data } of events) {
      next = this.#actor.definition.evolve[_tag]!(next, this.#decodeEvent(_tag, data))
    }
    return next
  }

  /** Whether a message is answered at most, and has no effect. One on which the decision throws has one: it is parked. */
  isIndifferentTo(state: unknown, { self, sequence, time, envelope }: Delivered): boolean {
    const { message, body, id, reply } = envelope
    const context = {
      self,
      sequence,
      time,
      messageId: id ?? `s${sequence}`,
      correlationId: envelope.correlation,
      from: envelope.from ?? "",
      replyTo: reply !== undefined && id !== undefined ? { inbox: reply, id } : undefined,
      random: seededRandom(sequence)
    }
    let effective = false
    let current = state
    const notice = (...operations: ReadonlyArray<{ readonly op: string }>) => {
      effective ||= operations.some(({ op }) => op !== "reply" && op !== "refuse")
    }
    const persist = (tag: string, fields: object) => {
      effective = true
      current = this.#actor.definition.evolve[tag]?.(current, fields)
      return current
    }
    const says = { reply: () => {}, refuse: () => {}, persist, add: notice }
    const step = {
      ...context,
      ...says,
      get state() {
        return current
      }
    }
    try {
      const decide = this.#actor.definition.decide[message]
      notice(...(decide?.(state, this.#decodePayload(message, body), step) ?? []))
      return decide !== undefined && !effective
    } catch {
      return false
    }
  }

  /** The state as text, to be compared. */
  format(state: unknown): string {
    return canonical(this.#encode(state))
  }

  #decodeEvent(tag: string, data: unknown): unknown {
    return made(this.#events, tag, () => Schema.Struct(this.#actor.definition.events[tag] ?? {}))(data)
  }

  #decodePayload(message: string, body: unknown): unknown {
    return made(this.#payloads, message, () => this.#actor.definition.protocol.messages[message]?.payload)(body)
  }
}

/** A decoder, made when it is first needed. */
const made = (decoders: Map<string, Decode>, name: string, schema: () => unknown): Decode => {
  let decode = decoders.get(name)
  if (decode === undefined) {
    decode = Schema.decodeUnknownSync(Schema.toCodecJson(schema() as Schema.Codec<unknown, unknown>))
    decoders.set(name, decode)
  }
  return decode
}
