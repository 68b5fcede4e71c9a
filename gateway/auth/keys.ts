import { createHash } from "node:crypto"
import { Schema } from "effect"
import { isoMillis } from "../../protocols/index.ts"
import { Claims, type Grant, grantOf, KEY_SUBJECT } from "./grant.ts"

/**
 * One key of a machine, as the file of keys holds it: the SHA-256 of the key, in hexadecimal. A key is 256 random bits,
 * which nobody finds by trying, so it needs no slow hash.
 */
const KeyEntry = Schema.Struct({
  name: Schema.NonEmptyString.check(Schema.isMaxLength(64)),
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  expires: Schema.optionalKey(Schema.String.check(Schema.makeFilter((text) => isoMillis(text) !== undefined))),
  ...Claims.fields
})

/** The file of keys. */
export const KeyFile = Schema.fromJsonString(Schema.Array(KeyEntry))

/** What every key begins with, so that it can be told from a token, and found where it was left by mistake. */
export const KEY_PREFIX = "ck_"

/** A shorter key can be found by trying, here or by who has read the file of hashes. */
export const KEY_LENGTH_MIN = KEY_PREFIX.length + 32

const hashOf = (key: string): string => createHash("sha256").update(key).digest("hex")

/** Finds what a key allows. The search is by the key's hash, so that its time says nothing of other keys. */
export const keysOf = (entries: typeof KeyFile.Type): ((key: string) => Grant | undefined) => {
  const grants = new Map(
    entries.map(({ name, sha256, expires, ...claims }) => [
      sha256,
      grantOf(`${KEY_SUBJECT}${name}`, claims, expires === undefined ? undefined : isoMillis(expires))
    ])
  )
  return (key) => grants.get(hashOf(key))
}
