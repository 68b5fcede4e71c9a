import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto"
import { Effect, Schema } from "effect"
import type { Client } from "../../protocols/index.ts"
import { KeyReused, type SendOptions } from "../../runtime/index.ts"
import type { Grant } from "../auth/grant.ts"
import type { Budget, OverBudget } from "./budget.ts"
import { digestOf, type Keys } from "./keys.ts"
import type { Quota } from "./quota.ts"

/** Who asks for something, once it is allowed. */
export interface Caller {
  /** Who it is, as its token or key says. */
  readonly subject: string
  /** What its token or key allows; nothing where whoever reaches the gateway may do everything, and nobody is told apart. */
  readonly grant: Grant | undefined
  /** Where it is. */
  readonly address: string
  /** Names what is asked for once and for all, a UUID: asked again with it, by the same subject, it is done once. */
  readonly key: string | undefined
  readonly keys: Keys
  readonly quota: Quota
  readonly budget: Budget
  /** How long an analysis may take that says nothing of it, in milliseconds. */
  readonly analysisMillis: number
}

/** The token or key does not allow to see what was asked for: none of its patterns covers it. */
export class NotSeen extends Schema.TaggedError<NotSeen>()("NotSeen", { pattern: Schema.String }) {
  override get message() {
    return `your token or key does not allow to see ${this.pattern}`
  }
}

/** Fails unless the caller may see all events of one of these patterns: what is read is no more than what they tell. */
export const mustSee = ({ grant }: Caller, ...patterns: ReadonlyArray<string>): Effect.Effect<void, NotSeen> =>
  Effect.suspend(() =>
    grant === undefined || patterns.some(grant.sees)
      ? Effect.void
      : Effect.fail(new NotSeen({ pattern: patterns.join(" or ") }))
  )

/** Known to this process alone: what is made with it can be neither guessed nor chosen by anybody. */
const OWN = randomBytes(32)

/** The same for the same words as long as this process lives, and as good as drawn at random. */
const drawn = (...words: ReadonlyArray<string>): Buffer =>
  createHmac("sha256", OWN).update(JSON.stringify(words)).digest()

/** A new name, a UUID; that of what has a key is the same each time it is asked for here. Nothing of the key is in it. */
export const nameFor = ({ subject, key }: Caller, what: string): string => {
  if (key === undefined) return randomUUID()
  const hex = drawn(what, subject, key).toString("hex")
  const [, first, second, third, fourth, fifth] = /^(.{8})(.{4})(.{3})(.{3})(.{12})/.exec(hex) ?? []
  return `${first}-${second}-4${third}-a${fourth}-${fifth}`
}

/** What actors are told of who asks: where it comes from, or nothing, where clients are not told apart. */
export interface Requester {
  readonly client?: Client
  readonly address?: string
}

export const clientOf = (caller: Caller): Requester =>
  caller.grant === undefined
    ? {}
    : {
        client: {
          subject: caller.subject,
          trades: caller.grant.may("trade"),
          follow_id: nameFor(caller, "follow")
        }
      }

/** The same of what waits in a line, where each has a share: where it comes from, where clients are not told apart. */
export const sharingOf = (caller: Caller): Requester =>
  caller.grant === undefined ? { address: caller.address } : clientOf(caller)

/** Whose what it asks about has to be: its own, unless it may act on what others began. */
export const byOf = (caller: Caller): { readonly by?: string } =>
  caller.grant === undefined || caller.grant.may("operate") ? {} : { by: caller.subject }

/** A seed of secrets: 256 bits, of which nobody else knows anything. */
export const seedFor = ({ subject, key }: Caller): Buffer =>
  key === undefined ? randomBytes(32) : drawn("secrets", subject, key)

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
export interface IdempotentRequest {
  readonly operation: string
  readonly target: string
  readonly body: unknown
}

/** What counts it among all that the caller may have: the first time, and where it is asked again with its key. */
export interface Counted<E> {
  readonly first: Effect.Effect<void, E>
  readonly again: Effect.Effect<void, E>
}

/** It counts with what is stored of it, each time. */
export const stored = ({ budget }: Caller, body: unknown): Counted<OverBudget> => {
  const store = budget.store(body)
  return { first: store, again: store }
}

/** It counts for nothing. */
export const UNCOUNTED: Counted<never> = { first: Effect.void, again: Effect.void }

/**
 * Sends a message that is to have its effect once: under the id that its key gives, and with what the key stands for, so that
 * neither this gateway nor the actor takes the key for anything else. It counts once, whatever comes of it; what is refused for what
 * it counts has not used its key.
 */
export const once = <A, E, R, E2>(
  caller: Caller,
  { operation, target, body }: IdempotentRequest,
  counted: Counted<E2>,
  send: (options: Pick<SendOptions, "messageId" | "once">) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | E2 | KeyReused, R> =>
  Effect.suspend((): Effect.Effect<A, E | E2 | KeyReused, R> => {
    const { subject, key, keys } = caller
    if (key === undefined) return Effect.andThen(counted.first, send({}))
    // Others who have the same key do not learn from it what it stands for.
    const claim = { key: digestOf(key), digest: digestOf(subject, operation, target, body) }
    const count = Effect.suspend((): Effect.Effect<void, E2> => {
      const known = keys.digestOf(claim.key)
      if (known === undefined) return counted.first
      return known === claim.digest ? counted.again : Effect.void
    })
    const claiming = Effect.suspend(() =>
      keys.claim(claim.key, claim.digest)
        ? Effect.void
        : Effect.fail(new KeyReused({ actor: target, message_type: operation }))
    )
    const sending = Effect.tapError(send({ ...messageIdOf(caller, operation), once: claim }), (error) =>
      Effect.sync(() => {
        if (isKeyReused(error)) keys.release(claim.key, claim.digest)
      })
    )
    return Effect.andThen(keys.deciding(claim.key, Effect.andThen(count, claiming)), sending)
  })

const isKeyReused = Schema.is(KeyReused)
