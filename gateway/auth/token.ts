import { createPrivateKey, createSecretKey, type KeyObject } from "node:crypto"
import { readFileSync } from "node:fs"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import type { Claims } from "./grant.ts"
import { InvalidAuth, SECRET_LENGTH_MIN } from "./options.ts"

/** What a token says of its holder, and for how long. */
export interface TokenOptions extends Claims {
  /** Who the holder is: `sub`. */
  readonly subject: string
  /** From now on. */
  readonly seconds: number
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
  /** The name of the key in a set of keys: `kid`. */
  readonly keyId?: string | undefined
}

/** What a token is signed with. */
export interface SigningKey {
  readonly algorithm: string
  readonly key: KeyObject
}

/** The secret that the gateway has, too (HS256). Fails where the gateway would refuse it. */
export const secretKey = (secret: Redacted.Redacted): Effect.Effect<SigningKey, InvalidAuth> =>
  Effect.suspend(() => {
    const text = Redacted.value(secret)
    return text.length < SECRET_LENGTH_MIN
      ? Effect.fail(new InvalidAuth({ detail: `the secret of tokens needs at least ${SECRET_LENGTH_MIN} characters` }))
      : Effect.succeed({ algorithm: "HS256", key: createSecretKey(Buffer.from(text)) })
  })

/** A private key in PEM, whose public key the gateway has. Fails where no gateway would take what it signs. */
export const privateKey = (file: string): Effect.Effect<SigningKey, InvalidAuth> =>
  Effect.try({
    try: () => createPrivateKey(readFileSync(file, "utf8")),
    // What the file holds is secret: it is not repeated.
    catch: () => new InvalidAuth({ detail: `${file} cannot be read as a private key in PEM` })
  }).pipe(
    Effect.flatMap((key) => {
      const algorithm = algorithmOf(key)
      const rule = `of RSA with at least ${RSA_BITS_MIN} bits, of the curves P-256 or P-384, or Ed25519`
      return algorithm === undefined
        ? Effect.fail(new InvalidAuth({ detail: `the private key ${file} must be ${rule}` }))
        : Effect.succeed({ algorithm, key })
    })
  )

const RSA_BITS_MIN = 2_048

const algorithmOf = ({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string | undefined => {
  const { modulusLength = 0, namedCurve } = asymmetricKeyDetails
  if (asymmetricKeyType === "rsa") return modulusLength >= RSA_BITS_MIN ? "RS256" : undefined
  if (asymmetricKeyType === "ed25519") return "EdDSA"
  if (asymmetricKeyType !== "ec") return undefined
  if (namedCurve === "prime256v1") return "ES256"
  return namedCurve === "secp384r1" ? "ES384" : undefined
}

/** A token that a gateway with the key takes, until its time is over. */
export const signToken = ({ algorithm, key }: SigningKey, options: TokenOptions): Effect.Effect<string> =>
  Effect.promise(() => {
    const { subject, seconds, issuer, audience, keyId, ...claims } = options
    const now = Math.floor(Date.now() / 1_000)
    const token = new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(keyId !== undefined && { kid: keyId }) })
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
    if (issuer !== undefined) token.setIssuer(issuer)
    if (audience !== undefined) token.setAudience(audience)
    return token.sign(key)
  })
