import { Schema } from "effect"
import type { Actor, Address, StepRecord } from "../../runtime/index.ts"

type Events = NonNullable<StepRecord["events"]>

/** An actor type as its journal is folded, apart from the runtime: its own functions and schemas, and nothing else. */
export class Fold {
  readonly #actor: Actor
  readonly #decoders = new Map<string, (data: unknown) => unknown>()
  readonly #encode: (state: unknown) => unknown

  constructor(actor: Actor) {
    this.#actor = actor
    this.#encode = Schema.encodeUnknownSync(Schema.toCodecJson(actor.definition.state))
  }

  initial(address: Address): unknown {
    return this.#actor.definition.initial(address)
  }

  evolve(state: unknown, events: Events): unknown {
    let next = state
    for (const { _tag, data } of events) next = this.#actor.definition.evolve[_tag]!(next, this.#decode(_tag, data))
    return next
  }

  /** The state as text, to be compared. */
  format(state: unknown): string {
    return canonical(this.#encode(state))
  }

  #decode(tag: string, data: unknown): unknown {
    let decode = this.#decoders.get(tag)
    if (decode === undefined) {
      const event: unknown = Schema.Struct(this.#actor.definition.events[tag] ?? {})
      decode = Schema.decodeUnknownSync(Schema.toCodecJson(event as Schema.Codec<unknown, unknown>))
      this.#decoders.set(tag, decode)
    }
    return decode(data)
  }
}

/** JSON whose members are in order of their names. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each
  )
