import { createHash, createHmac, randomBytes } from "node:crypto"
import { Effect, Schema } from "effect"
import { KeyReused, type SendOptions } from "../../runtime/index.ts"
import { digestOf, type Keys } from "./keys.ts"
import type { Quota } from "./quota.ts"

/** Who asks for something, once it is allowed. */
export interface Caller {
  /** Who it is, as its token or key says. */
  readonly subject: string
  /** Names what is asked for once and for all, a UUID: asked again with it, by the same subject, it is done once. */
  readonly key: string | undefined
  readonly keys: Keys
  readonly quota: Quota
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The key that an operation's id is, or nothing: what is no UUID may come again and mean something else. */
export const keyOf = (id: string): string | undefined => (UUID.test(id) ? id.toLowerCase() : undefined)

/** The id under which an actor remembers what was asked. It is stored, so the key cannot be read from it. */
export const messageIdOf = ({ subject, key }: Caller, operation: string): { readonly messageId?: string } =>
  key === undefined
    ? {}
    : {
        messageId: createHash("sha256")
          .update(JSON.stringify([subject, operation, key]))
          .digest("hex")
      }

/** What is asked for: the same key with anything else of it another is refused. `target`: what the operation is about. */
export interface Wanted {
  readonly operation: string
  readonly target: string
  readonly body: unknown
}

/**
 * Sends a message that is to have its effect once: under the id that its key gives, and with what the key stands for, so that
 * neither this gateway nor the actor takes the key for anything else.
 */
export const once = <A, E, R>(
  caller: Caller,
  { operation, target, body }: Wanted,
  send: (options: Pick<SendOptions, "messageId" | "once">) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | KeyReused, R> =>
  Effect.suspend((): Effect.Effect<A, E | KeyReused, R> => {
    const { subject, key, keys } = caller
    if (key === undefined) return send({})
    // Others who have the same key do not learn from it what it stands for.
    const claim = { key: digestOf(key), digest: digestOf(subject, operation, target, body) }
    if (!keys.claim(claim.key, claim.digest)) {
      return Effect.fail(new KeyReused({ actor: target, message_type: operation }))
    }
    return Effect.tapError(send({ ...messageIdOf(caller, operation), once: claim }), (error) =>
      Effect.sync(() => {
        if (isKeyReused(error)) keys.release(claim.key, claim.digest)
      })
    )
  })

const isKeyReused = Schema.is(KeyReused)

/**
 * The secret with which a voter outside proves itself: 256 random bits. Where the caller gave a key it comes from that, so that who
 * asks again gets the same one, at any gateway; it is as hard to guess as the key then, which has 122 random bits.
 */
export const secretOf = ({ subject, key }: Caller, voter: string): string =>
  key === undefined
    ? randomBytes(32).toString("base64url")
    : createHmac("sha256", key)
        .update(JSON.stringify([subject, voter]))
        .digest("base64url")
