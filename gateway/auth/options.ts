import { Redacted, Result, Schema } from "effect"
import { faultOf, formatFault } from "../failures/fault.ts"

/** What was configured for authentication cannot be used. */
export class InvalidAuth extends Schema.TaggedError<InvalidAuth>()("InvalidAuth", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** A shorter secret can be found by trying. */
export const SECRET_LENGTH_MIN = 32

const isSecret = (given: unknown): given is string | Redacted.Redacted => {
  const text = Redacted.isRedacted(given) ? Redacted.value(given) : given
  return typeof text === "string" && text.length >= SECRET_LENGTH_MIN
}

const File = Schema.String.check(Schema.makeFilter((text) => text !== "" || "must be the path of a file")).annotate({
  message: "must be the path of a file"
})
const Name = Schema.String.check(Schema.makeFilter((text) => text !== "" || "must be a text")).annotate({
  message: "must be a text"
})

/** How clients prove who they are: by at least one of a secret, public keys and keys of machines. Files are read once, at the start. */
export const AuthOptions = Schema.Struct({
  /** Of tokens signed with HS256, at least 32 characters. */
  secret: Schema.optional(
    Schema.declare(isSecret, { message: `must be a text of at least ${SECRET_LENGTH_MIN} characters` })
  ),
  /** A public key in PEM, of tokens signed with RS256, PS256, ES256, ES384 or EdDSA. */
  publicKeyFile: Schema.optional(File),
  /** A JSON Web Key Set of public keys. */
  jwksFile: Schema.optional(File),
  /** What `iss` and `aud` of a token must be, if given. */
  issuer: Schema.optional(Name),
  audience: Schema.optional(Name),
  /** Keys of machines. */
  keysFile: Schema.optional(File)
}).check(
  Schema.makeFilter(
    ({ secret, publicKeyFile, jwksFile, keysFile }) =>
      [secret, publicKeyFile, jwksFile, keysFile].some((way) => way !== undefined) ||
      "must say how clients prove who they are: by secret, publicKeyFile, jwksFile or keysFile"
  )
)
export type AuthOptions = typeof AuthOptions.Type

const decode = Schema.decodeUnknownResult(AuthOptions, { onExcessProperty: "error" })

/** What is given, checked: whoever gives anything wants clients to be known, and nothing of it is passed over. */
export const checkedAuth = (given: unknown): Result.Result<AuthOptions, InvalidAuth> =>
  Result.mapError(
    decode(given),
    (error) => new InvalidAuth({ detail: `the authentication cannot be used: ${formatFault(faultOf(error))}` })
  )
