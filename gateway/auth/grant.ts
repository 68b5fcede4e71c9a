import { Schema } from "effect"
import { Pattern } from "../../protocols/index.ts"
import { SubjectTrie } from "../streams/trie.ts"

/**
 * What a client may be allowed to do besides looking. `feed` gives bars of a market; `trade` turns the switches of accounts, and lets what
 * one's own analyses lead to be traded on; `clients` and `operate` are for operators: who is connected, and acting on what others began.
 */
export const Operation = Schema.Literals([
  "analyze",
  "request_consensus",
  "vote",
  "cancel",
  "message",
  "status",
  "feed",
  "trade",
  "clients",
  "operate"
])
export type Operation = typeof Operation.Type

/** The claims of a token, or the entry of a key, that say what its holder may do. Nothing unless given. */
export const Claims = Schema.Struct({
  patterns: Schema.optionalKey(Schema.Array(Pattern).check(Schema.isMaxLength(256))),
  operations: Schema.optionalKey(Schema.Array(Operation))
})
export type Claims = typeof Claims.Type

/** What the names of those begin with who have a key; a token cannot name one. */
export const KEY_SUBJECT = "key:"

/** Who a token is for: `sub`. It names its holder in events, in lists and in quotas. */
export const Subject = Schema.String.check(
  Schema.isPattern(/^(?!key:)[^\p{C}\p{Z}](?:[^\p{C}]{0,126}[^\p{C}\p{Z}])?$/u, {
    message: "1 to 128 printable characters that do not begin with key:"
  })
)

/** What a client may see and do, and for how long. */
export interface Grant {
  /** Who it is, as the token or the key says. */
  readonly subject: string
  /** In milliseconds since 1970; none: for ever. */
  readonly expiresAt: number | undefined
  /** Whether every event of a pattern may be seen: a part of what is allowed, never more. */
  readonly sees: (pattern: string) => boolean
  readonly may: (operation: Operation) => boolean
}

/** What claims allow. */
export const grantOf = (subject: string, claims: Claims, expiresAt: number | undefined): Grant => {
  const allowed = new SubjectTrie<true>()
  for (const pattern of claims.patterns ?? []) allowed.add(pattern, true)
  const operations = new Set(claims.operations)
  return {
    subject,
    expiresAt,
    sees: (pattern) => allowed.cover(pattern) !== undefined,
    may: (operation) => operations.has(operation)
  }
}

/** Everything, for whoever reaches a gateway that is on loopback. */
export const everything: Grant = {
  subject: "anonymous",
  expiresAt: undefined,
  sees: () => true,
  may: () => true
}
