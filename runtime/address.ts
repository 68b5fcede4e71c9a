import { Schema } from "effect"

const TYPE = /^[a-z][a-z0-9_]{0,63}$/
// Lone surrogates (Cs) too: on the wire they would become another character, and so another actor.
const ID = /^[^\s*>\p{Cc}\p{Cs}]{1,128}$/u
const TOKEN = /^[^\s.*>\p{Cc}\p{Cs}]+$/u
const SUBJECT_CHARACTERS_MAX = 512

/** An actor type or id that no actor can have. */
export class InvalidAddress extends Schema.TaggedError<InvalidAddress>()("InvalidAddress", {
  field: Schema.Literals(["type", "id", "role"]),
  value: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return `actor ${this.field} ${JSON.stringify(this.value)}: ${this.rule}`
  }
}

/** Which actor: its type and its id. */
export interface Address {
  readonly type: string
  readonly id: string
  /** The label of the nodes that may run it, as its protocol says; any node may, unless given. It is no part of the name. */
  readonly role?: string
}

/** The role of actors that any node may run. */
export const ANY_ROLE = "any"

/** Says what is wrong with an address, or nothing when it can be used. */
export const addressFault = (address: Address): InvalidAddress | undefined => {
  if (!TYPE.test(address.type)) {
    return new InvalidAddress({
      field: "type",
      value: clip(address.type),
      rule: "1 to 64 of a-z 0-9 _, starting with a letter"
    })
  }
  if (!ID.test(address.id)) {
    return new InvalidAddress({
      field: "id",
      value: clip(address.id),
      rule: "1 to 128 characters without spaces, * or >"
    })
  }
  if (address.role !== undefined && !TYPE.test(address.role)) {
    return new InvalidAddress({
      field: "role",
      value: clip(address.role),
      rule: "1 to 64 of a-z 0-9 _, starting with a letter"
    })
  }
  return undefined
}

/**
 * Says what is wrong with a subject, or the part of one, that an actor chose; nothing when it can be used: tokens without
 * spaces, `*` or `>`, joined by dots, at most 512 characters.
 */
export const subjectFault = (subject: string): string | undefined =>
  subject.length <= SUBJECT_CHARACTERS_MAX && subject.split(".").every((token) => TOKEN.test(token))
    ? undefined
    : `${JSON.stringify(clip(subject))} cannot be a subject: tokens without spaces, * or >, joined by dots`

/** `type/id`, as people and logs write it. */
export const formatAddress = (address: Address): string => `${address.type}/${address.id}`

/**
 * The shard an actor lives in, `<role>.<number>`: each role has as many as the namespace has. The number is the FNV-1a
 * hash of the address modulo that.
 */
export const shardOf = (address: Address, shards: number): string => {
  let hash = 0x811c9dc5
  const text = formatAddress(address)
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return `${address.role ?? ANY_ROLE}.${(hash >>> 0) % shards}`
}

const clip = (text: string): string => (text.length > 64 ? `${text.slice(0, 64)}… (${text.length} characters)` : text)
