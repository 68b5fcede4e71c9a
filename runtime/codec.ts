import { Schema } from "effect"

type Codec = Schema.Codec<unknown, unknown>

const encoders = new WeakMap<Codec, (value: unknown) => unknown>()
const decoders = new WeakMap<Codec, (value: unknown) => unknown>()

/** A function from a value to its JSON form, made once per schema. It throws a `SchemaError` that names the field. */
export const encoder = (schema: Codec | undefined): ((value: unknown) => unknown) => {
  if (schema === undefined) return identity
  let encode = encoders.get(schema)
  if (encode === undefined) {
    encode = Schema.encodeUnknownSync(Schema.toCodecJson(schema))
    encoders.set(schema, encode)
  }
  return encode
}

/** A function from JSON to the value, made once per schema. It throws a `SchemaError` that names the field. */
export const decoder = (schema: Codec | undefined): ((value: unknown) => unknown) => {
  if (schema === undefined) return identity
  let decode = decoders.get(schema)
  if (decode === undefined) {
    decode = Schema.decodeUnknownSync(Schema.toCodecJson(schema))
    decoders.set(schema, decode)
  }
  return decode
}

const identity = (value: unknown) => value
