import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto"
import type { Caller } from "./caller.ts"

const CIPHER = "aes-256-gcm"
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** The secret with which a voter outside proves itself: 256 bits that follow from the round's seed alone. */
export const secretOf = (seed: Buffer, voter: string): string =>
  createHmac("sha256", seed)
    .update(JSON.stringify(["voter", voter]))
    .digest("base64url")

/**
 * A seed as it may be stored with what a caller asked for, so that who asks again with the same key is told the same secrets, at
 * whatever gateway: it can be opened with the key alone, which is stored and published nowhere. Nothing for who gave no key.
 */
export const sealSeed = (seed: Buffer, caller: Caller): string | undefined => {
  const key = sealingKey(caller)
  if (key === undefined) return undefined
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce)
  const text = Buffer.concat([cipher.update(seed), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url")
}

/** The seed that was sealed for this caller and key. Throws on anything else. */
export const openSeed = (sealed: string, caller: Caller): Buffer => {
  const key = sealingKey(caller)
  if (key === undefined) throw new Error("what is sealed was given no key to open it with")
  const bytes = Buffer.from(sealed, "base64url")
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
}

const sealingKey = ({ subject, key }: Caller): Uint8Array | undefined =>
  key === undefined
    ? undefined
    : new Uint8Array(hkdfSync("sha256", key, "", JSON.stringify(["conclave secrets", subject]), 32))
