import { Schema } from "effect"
import { open } from "./open.ts"

/** Who a client is, as its token or key says: what it begins is its own. */
export const Owner = Schema.NonEmptyString.check(Schema.isMaxLength(256))

/**
 * Who asks, where a gateway tells its clients apart. What comes without one is of the house: of a market, of an operator, of a program
 * on NATS, or of a gateway that lets in whoever reaches it.
 */
export const Client = open({
  subject: Owner,
  /** Whether what it led to may be traded on. */
  trades: Schema.Boolean,
  /** By what its gateway finds the events of what was asked. It is made there, so that no other client can have the same. */
  follow_id: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64)))
})
export type Client = typeof Client.Type

/** The address that something comes from, where a gateway does not tell its clients apart. */
export const ClientAddress = Schema.NonEmptyString.check(Schema.isMaxLength(64))
