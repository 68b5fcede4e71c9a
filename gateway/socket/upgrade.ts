import { Effect } from "effect"
import type { Buckets } from "../admission/bucket.ts"
import { isUnclear, refuseEntry } from "../admission/entry.ts"
import { type Offences, offenderOf } from "../admission/offences.ts"
import type { Authenticator } from "../auth/authenticator.ts"
import { credentialOf } from "../auth/credential.ts"
import { everything, type Grant } from "../auth/grant.ts"
import type { BodyRoom } from "../body.ts"
import type { ConnectionRegistry } from "../connection-registry.ts"
import type { Failure } from "../failures/failure.ts"
import {
  noRoomFor,
  stopping,
  tooManyHandshakes,
  tooManyOffences,
  versionRequired
} from "../failures/request-failures.ts"
import { addresses } from "../http/addresses.ts"
import { problem } from "../http/problem.ts"
import type { GatewayLimits, OriginPolicy } from "../policy.ts"
import { exchange, type HttpRequest, type HttpResponse, type UpgradeContext } from "../uws.ts"
import type { Connection, Handshake } from "./connection.ts"

export interface UpgradeOptions {
  readonly registry: ConnectionRegistry
  readonly limits: GatewayLimits
  readonly origins: OriginPolicy
  readonly authenticator: Authenticator
  readonly room: BodyRoom
  /** Of those who bring no good credential, by address. */
  readonly handshakes: Buckets
  readonly offences: Offences
  /** True once no more clients are taken. */
  readonly draining: () => boolean
  readonly run: (effect: Effect.Effect<void>) => { readonly interruptUnsafe: () => void }
}

/** What travels with a socket from its upgrade to its end. */
export interface Attachment {
  readonly address: string
  readonly handshake: Handshake | undefined
  /**
   * Begun once the upgrade has returned: what is written before may stay in the library until more is. An object, as the library
   * copies what travels.
   */
  readonly conversation: { begin: () => void }
  client: Client | undefined
  /** The socket is gone, and must not be touched any more. */
  over: boolean
}

export interface Client {
  readonly connection: Connection
  /** To be called when bytes were taken by the network. */
  readonly drained: () => void
  /** Something came after the frame that closes it. */
  readonly late: () => void
}

/** The version of RFC 6455; who says none means it. The library does not look. */
const VERSIONS: ReadonlySet<string> = new Set(["13", ""])

/**
 * Turns a request into a WebSocket, or answers why not.
 *
 * A credential that comes with it is looked at before: who is known takes the place of a client at once, and never one of those
 * who are not, which strangers may hold.
 */
export const upgrade = (
  options: UpgradeOptions,
  res: HttpResponse,
  req: HttpRequest,
  context: UpgradeContext
): void => {
  const { authenticator, limits, handshakes, run } = options
  if (isUnclear(req)) return void res.close()
  const call = exchange(res, options.room)
  const refuse = (failure: Failure) => call.respond(problem(failure))
  const refusal = refusalOf(options, req)
  if (refusal !== undefined) return refuse(refusal)
  const { address } = call
  const { protocol, credential } = credentialOf(req)
  const [key = "", extensions = ""] = ["key", "extensions"].map((name) => req.getHeader(`sec-websocket-${name}`))
  let gone = false
  const open = (handshake: Handshake | undefined): void => {
    if (gone) return
    const conversation = { begin: () => {} }
    const attachment: Attachment = { address, handshake, conversation, client: undefined, over: false }
    // Not corked: the library looks at a response again when it uncorks one, and where the socket stayed in its place, that is a WebSocket
    // by then, which it may take for a response that ends its connection.
    res.upgrade(attachment, key, protocol, extensions, context)
    conversation.begin()
  }
  const hasOffended = (grant?: Grant) => options.offences.has(offenderOf(address, grant), performance.now())
  const openAsKnown = (grant: Grant, handshake: Handshake | undefined): void => {
    if (hasOffended(grant)) return refuse(tooManyOffences)
    const full = noRoomFor(address, options.registry, limits)
    if (full === undefined) open(handshake)
    else refuse(full)
  }
  const openAsUnknown = (handshake: Handshake | undefined): void => {
    if (hasOffended()) return refuse(tooManyOffences)
    if (handshakes.take(address, performance.now())) open(handshake)
    else refuse(tooManyHandshakes(limits.handshakesPerSecond))
  }
  if (!authenticator.required) return openAsKnown(everything, undefined)
  if (credential === undefined) return openAsUnknown(undefined)
  const checking = run(
    Effect.match(authenticator.verify(credential), {
      onSuccess: (grant) => openAsKnown(grant, { grant }),
      onFailure: ({ reason }) => openAsUnknown({ reason })
    })
  )
  call.onGone(() => {
    gone = true
    checking.interruptUnsafe()
  })
}

const refusalOf = (options: UpgradeOptions, req: HttpRequest): Failure | undefined => {
  const refusal = refuseEntry(req, options.origins, addresses.socket.access)
  if (refusal !== undefined) return refusal
  if (options.draining()) return stopping
  return VERSIONS.has(req.getHeader("sec-websocket-version")) ? undefined : versionRequired
}
