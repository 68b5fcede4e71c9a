import { Schema } from "effect"
import { KINDS } from "./wire.ts"

/** What a server process is started with. */
export const ServerOptions = Schema.Struct({
  kind: Schema.Literals(KINDS.filter((kind) => kind !== "nats")),
  /** The nats-server that the events come from. */
  url: Schema.String,
  namespace: Schema.String
})
export type ServerOptions = typeof ServerOptions.Type

/** What it says once it listens, and when it is asked what it takes: bytes of memory, of the heap in it, and microseconds of processor time. */
export const Listening = Schema.Struct({ port: Schema.Int })
export const Taken = Schema.Struct({ rss: Schema.Finite, heap: Schema.Finite, cpu: Schema.Finite })
export type Taken = typeof Taken.Type

/** What it is asked: to collect the garbage takes processor time of its own. */
export type Question = "taken" | "cpu"
