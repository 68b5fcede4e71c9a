import type { Schema } from "effect"
import type { Address } from "./address.ts"

/** One kind of message: what it carries, and what an ask for it gets back. */
export interface MessageSpec {
  readonly payload: Schema.Codec<unknown, unknown>
  readonly reply?: Schema.Codec<unknown, unknown>
  readonly error?: Schema.Codec<unknown, unknown>
}

/**
 * What a type of actor understands: plain data, so that a room which only talks to the actor need not know its code.
 *
 * @example { type: "counter", messages: { Add: { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int } } }
 */
export interface Protocol {
  readonly type: string
  /** The version of the messages; 1 unless given. A node leaves messages of a newer version to a newer node. */
  readonly version?: number
  /** Only nodes with this label run the actor; any node does, unless given. To change it later moves all actors of the type. */
  readonly role?: string
  readonly messages: { readonly [name: string]: MessageSpec }
}

/** The actor of this type with an id. */
export const addressOf = (protocol: Protocol, id: string): Address => ({
  type: protocol.type,
  id,
  ...(protocol.role !== undefined && { role: protocol.role })
})

export type MessageName<P extends Protocol> = Extract<keyof P["messages"], string>

export type Payload<P extends Protocol, K extends MessageName<P>> = P["messages"][K]["payload"]["Type"]

/** `never` where the message has no reply: it can be told and not asked. */
export type Reply<P extends Protocol, K extends MessageName<P>> = P["messages"][K] extends {
  readonly reply: infer R extends Schema.Top
}
  ? R["Type"]
  : never

export type Refusal<P extends Protocol, K extends MessageName<P>> = P["messages"][K] extends {
  readonly error: infer E extends Schema.Top
}
  ? E["Type"]
  : never

/** The messages of a protocol that have a reply. */
export type AskName<P extends Protocol> = {
  [K in MessageName<P>]: P["messages"][K] extends { readonly reply: unknown } ? K : never
}[MessageName<P>]

/** One kind of event that is published: its type and what its data holds. */
export interface EventSpec {
  readonly type: string
  readonly data: Schema.Codec<unknown, unknown>
}
