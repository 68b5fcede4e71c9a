// What a decider does to values: schemas, JSON, the fold of a journal, and numbers drawn from a seed.
import { Schema } from "effect"
import { open } from "../../protocols/index.ts"
import type { Actor } from "../../runtime/actor.ts"
import { decoder, encoder } from "../../runtime/codec.ts"

/** A value as it comes out of JSON. */
export const wire = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

/** A value that passed through its schema and JSON. */
export const wireThrough = (schema: Schema.Codec<unknown, unknown>, value: unknown): unknown =>
  decoder(schema)(wire(encoder(schema)(value)))

const Tagged = Schema.Struct({ _tag: Schema.String })

/** An event as a journal gives it back. */
export const stored = (actor: Actor, event: unknown): { readonly _tag: string } => {
  const { _tag } = Schema.decodeUnknownSync(Tagged)(event)
  const fields = actor.definition.events[_tag]
  if (fields === undefined) throw new Error(`${actor.type} has no event ${_tag}`)
  // The fields are known at run time only: what services their codec needs, none here, the compiler cannot see.
  const schema: unknown = open(fields)
  return { ...Object(wireThrough(schema as Schema.Codec<unknown, unknown>, event)), _tag }
}

export const fold = (actor: Actor, state: unknown, event: { readonly _tag: string }): unknown =>
  actor.definition.evolve[event._tag]!(state, event)

/** Mulberry32, enough for a test. */
export const seeded = (seed: number) => {
  let state = Math.imul(seed, 0x9e3779b9)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
