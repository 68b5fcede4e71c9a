import { Schema } from "effect"

/** The codec of an open struct. Its type shows the known keys only, so that a misspelt key does not compile. */
export type Open<F extends Schema.Struct.Fields> = Schema.Codec<
  Schema.Struct<F>["Type"],
  Schema.Struct<F>["Encoded"],
  Schema.Struct<F>["DecodingServices"],
  Schema.Struct<F>["EncodingServices"]
>

/**
 * A struct that carries keys it does not know through decode, spread and encode.
 *
 * Everything that is stored, or that crosses versions, uses it: an older node must not drop what a newer one wrote.
 */
export const open = <const F extends Schema.Struct.Fields>(fields: F): Open<F> => {
  const schema: unknown = Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])
  // The compiler cannot relate the two for a generic F; for every concrete F the left is the right plus an index signature.
  return schema as Open<F>
}

/** How deep objects and arrays may be inside one another in what somebody gives. */
export const LEVELS_MAX = 32

/** Whether objects and arrays are inside one another no deeper than this. Keeps a list and no stack, which could overflow. */
export const isShallow = (value: unknown, levels: number): boolean => {
  let inside = [value]
  for (let level = 0; inside.length > 0; level++) {
    if (level > levels) return false
    inside = inside.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []))
  }
  return true
}
