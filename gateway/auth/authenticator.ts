import { createPublicKey, createSecretKey } from "node:crypto"
import { readFileSync } from "node:fs"
import { Effect, Redacted, Result, Schema } from "effect"
import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose"
import { Claims, everything, type Grant, grantOf, Subject } from "./grant.ts"
import { KEY_LENGTH_MIN, KEY_PREFIX, KeyFile, keysOf } from "./keys.ts"
import { KnownCredentials } from "./known-credentials.ts"
import { type AuthOptions, checkedAuth, InvalidAuth } from "./options.ts"

/** The token or key is not good. `reason` is for its holder, and names no secret. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { reason: Schema.String }) {}

export interface Authenticator {
  /** Whether clients have to prove who they are. */
  readonly required: boolean
  /** What the holder of a token or key may do. */
  readonly verify: (credential: string) => Effect.Effect<Grant, Unauthorized>
  /** Whether it was found to be good before. That says not that it still is. */
  readonly knows: (credential: string) => boolean
}

const ASYMMETRIC = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
/** Clocks differ. */
const TOLERANCE_SECONDS = 5
/** The latest time that a date can be, in milliseconds since 1970. A token that is good for longer is good until then. */
const TIME_MAX = 8.64e15

type Verify = (token: string) => Promise<JWTPayload>

/** Checks what was configured. Only where nothing is given clients need not say who they are. */
export const makeAuthenticator = (given: AuthOptions | undefined): Effect.Effect<Authenticator, InvalidAuth> =>
  Effect.gen(function* () {
    if (given === undefined) return OPEN
    const options = yield* Effect.fromResult(checkedAuth(given))
    const verifiers = yield* verifiersOf(options)
    const findKey = yield* keysFrom(options.keysFile)
    const known = new KnownCredentials()
    const verify = (credential: string): Effect.Effect<Grant, Unauthorized> => {
      if (!credential.startsWith(KEY_PREFIX)) return verifyToken(verifiers, credential)
      if (credential.length < KEY_LENGTH_MIN) {
        return unauthorized(`a key has at least ${KEY_LENGTH_MIN} characters: a shorter one is not taken`)
      }
      const grant = findKey?.(credential)
      if (grant === undefined) return unauthorized("the key is not known")
      const over = grant.expiresAt !== undefined && grant.expiresAt <= Date.now()
      return over ? unauthorized("the key has expired") : Effect.succeed(grant)
    }
    return {
      required: true,
      verify: (credential) => Effect.tap(verify(credential), () => Effect.sync(() => known.add(credential))),
      knows: (credential) => known.has(credential)
    }
  })

const OPEN: Authenticator = { required: false, verify: () => Effect.succeed(everything), knows: () => true }

const unauthorized = (reason: string) => Effect.fail(new Unauthorized({ reason }))

const verifiersOf = ({
  secret,
  publicKeyFile,
  jwksFile,
  issuer,
  audience
}: AuthOptions): Effect.Effect<ReadonlyArray<Verify>, InvalidAuth> =>
  Effect.gen(function* () {
    const rules: JWTVerifyOptions = {
      clockTolerance: TOLERANCE_SECONDS,
      requiredClaims: ["sub", "exp"],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience })
    }
    const verifiers: Array<Verify> = []
    if (secret !== undefined) {
      const text = typeof secret === "string" ? secret : Redacted.value(secret)
      const key = createSecretKey(Buffer.from(text))
      verifiers.push(async (token) => (await jwtVerify(token, key, { ...rules, algorithms: ["HS256"] })).payload)
    }
    if (publicKeyFile !== undefined) {
      const key = yield* fromFile(publicKeyFile, "a public key in PEM", createPublicKey)
      verifiers.push(async (token) => (await jwtVerify(token, key, { ...rules, algorithms: ASYMMETRIC })).payload)
    }
    if (jwksFile !== undefined) {
      const keys = yield* fromFile(jwksFile, "a JSON Web Key Set", (text) => createLocalJWKSet(JSON.parse(text)))
      verifiers.push(async (token) => (await jwtVerify(token, keys, { ...rules, algorithms: ASYMMETRIC })).payload)
    }
    return verifiers
  })

const keysFrom = (file: string | undefined) =>
  file === undefined
    ? Effect.succeed(undefined)
    : fromFile(file, "a list of keys", (text) => keysOf(Schema.decodeUnknownSync(KeyFile)(text)))

const fromFile = <A>(file: string, what: string, read: (text: string) => A): Effect.Effect<A, InvalidAuth> =>
  Effect.try({
    try: () => read(readFileSync(file, "utf8")),
    // What the file holds may be secret: it is not repeated.
    catch: () => new InvalidAuth({ detail: `${file} cannot be read as ${what}` })
  })

/** Any of the configured ways will do. */
const verifyToken = (verifiers: ReadonlyArray<Verify>, token: string): Effect.Effect<Grant, Unauthorized> =>
  Effect.gen(function* () {
    let reason = "the token is not one of ours"
    for (const verify of verifiers) {
      const payload = yield* Effect.result(Effect.tryPromise({ try: () => verify(token), catch: (cause) => cause }))
      if (Result.isSuccess(payload)) return yield* grantFrom(payload.success)
      reason = reasonOf(payload.failure) ?? reason
    }
    return yield* unauthorized(reason)
  })

const decodeClaims = Schema.decodeUnknownResult(Claims)
const isSubject = Schema.is(Subject)
const isTime = Schema.is(Schema.Int.check(Schema.isGreaterThan(0)))

// What a payload holds may be anything, whatever the library calls it.
const grantFrom = ({
  sub,
  exp,
  ...claims
}: {
  readonly [claim: string]: unknown
}): Effect.Effect<Grant, Unauthorized> => {
  if (!isSubject(sub)) {
    return unauthorized("the claim `sub` must be 1 to 128 printable characters, and not begin with `key:`")
  }
  if (!isTime(exp)) return unauthorized("the claim `exp` must be a whole number of seconds since 1970")
  const decoded = decodeClaims(claims)
  return Result.isFailure(decoded)
    ? unauthorized("the claims `patterns` or `operations` are not valid")
    : Effect.succeed(grantOf(sub, decoded.success, Math.min(exp * 1_000, TIME_MAX)))
}

/** What may be said of why; of a wrong signature no more than that the token is not ours. */
const reasonOf = (cause: unknown): string | undefined => {
  if (cause instanceof errors.JWTExpired) return "the token has expired"
  if (cause instanceof errors.JWTClaimValidationFailed)
    return `the claim \`${cause.claim}\` is missing or not as it must be`
  return undefined
}
