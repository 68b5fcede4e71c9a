import { Schema } from "effect"

/** How a node process is to be. What is not given is as the runtime has it. */
export const NodeProcessOptions = Schema.Struct({
  url: Schema.String,
  namespace: Schema.String,
  name: Schema.String,
  ttlSeconds: Schema.optionalKey(Schema.Int),
  passivateMillis: Schema.optionalKey(Schema.Int),
  memoryBytesMax: Schema.optionalKey(Schema.Int)
})
export type NodeProcessOptions = typeof NodeProcessOptions.Type

/** What a node process takes, in bytes; `heap` is what is left after the garbage was collected, where it may be. */
export const Memory = Schema.Struct({ heap: Schema.Int, rss: Schema.Int, residents: Schema.Int })
export type Memory = typeof Memory.Type
