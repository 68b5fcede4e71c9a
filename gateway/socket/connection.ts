import type { Effect, Fiber } from "effect"
import type { Frame } from "../../protocols/index.ts"
import type { Costly } from "../admission/costs.ts"
import { type Admission, makeAdmission } from "../auth/admission.ts"
import type { Authenticator } from "../auth/authenticator.ts"
import { everything, type Grant } from "../auth/grant.ts"
import type { GatewayLimits } from "../policy.ts"
import { Delivery, type Socket } from "../streams/delivery.ts"
import type { Fanout } from "../streams/fanout.ts"
import type { QueueMemory } from "../streams/queue-memory.ts"
import type { DeliveryStats } from "../streams/subscription-queue.ts"
import { keepSubscriptions } from "../streams/subscriptions.ts"
import { answering } from "./asking.ts"
import { noRoom, notWelcome, type SlowReason, slowConsumer } from "./close-frames.ts"
import type { Question, QuestionResult } from "./question.ts"
import { makeReception, type Reception } from "./reception.ts"
import {
  type Action,
  granted,
  type Inbound,
  joined,
  open,
  refused,
  type Session,
  type Transition,
  unauthorized
} from "./session.ts"

export type { Socket }

/** One open WebSocket: its session, and the fibers that keep its subscriptions. */
export interface Connection {
  readonly id: string
  /** Who it is, and what it is subscribed to. */
  readonly session: () => Session
  readonly receive: (inbound: Inbound) => void
  /** The client sent something that has to be counted, and was answered below. */
  readonly pinged: (bytes: number) => void
  /** The network took bytes. */
  readonly drained: () => void
  /** To be called now and then: closes who takes nothing of what waits for it. */
  readonly check: () => void
  /** Says goodbye, with a last frame. */
  readonly leave: (frame: Frame, code: number, reason: string) => void
  /** Says goodbye. */
  readonly close: (code: number, reason: string) => void
  /** The socket is gone: it is not touched again, and the subscriptions end. */
  readonly closed: () => void
  /** What became of the events of all its subscriptions, those that ended included. */
  readonly account: () => DeliveryStats
}

export interface ConnectionOptions {
  readonly id: string
  /** Where the client is, as an IP address. */
  readonly address: string
  readonly socket: Socket
  readonly limits: GatewayLimits
  readonly fanout: Fanout
  readonly authenticator: Pick<Authenticator, "required" | "verify">
  /** What came of the token or key that came with the handshake; nothing where none did. */
  readonly handshake?: Handshake | undefined
  /** Gives the client a place once it is known who it is, or says why there is none. */
  readonly enter: (connection: Connection, grant: Grant) => string | undefined
  /** Counts what costs more than its frame among all connections and requests of the client. False if that is too much. */
  readonly spend: (kind: Costly, grant: Grant | undefined) => boolean
  /** Told where the client was refused too often. */
  readonly offended: () => void
  /** Of all clients. */
  readonly queueMemory: QueueMemory
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number
  /** Asks actors; what goes wrong is an answer too. */
  readonly ask: (question: Question) => Effect.Effect<QuestionResult>
  /** Runs a subscription or a question; the gateway interrupts what is left when it stops. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** What a credential allows, or why it is not good. */
export type Handshake = { readonly grant: Grant } | { readonly reason: string }

// RFC 6455, section 7.4.1: the policy is violated.
const NOT_ALLOWED = 1008
// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

/** Opens the conversation on a socket and sends `welcome`. */
export const connect = (options: ConnectionOptions): Connection => new Conversation(options)

class Conversation implements Connection {
  readonly #options: ConnectionOptions
  readonly #delivery: Delivery
  readonly #keeper: ReturnType<typeof keepSubscriptions>
  readonly #reception: Reception
  readonly #admission: Admission
  #session: Session
  #gone = false
  /** Whether it has a place among the clients. */
  #entered = false
  /** When the network last took something, or nothing waited. */
  #movedAt: number

  constructor(options: ConnectionOptions) {
    const { limits, now, authenticator, handshake, queueMemory } = options
    const opening = open(options.id, limits, authenticator.required ? undefined : everything)
    this.#options = options
    this.#session = opening.session
    this.#movedAt = now()
    this.#delivery = new Delivery(options.socket, limits, queueMemory, (id, why) => this.#tooSlow(id, why))
    const client = () => (authenticator.required ? this.#session.grant?.subject : undefined)
    this.#keeper = keepSubscriptions({ ...options, client }, this.#delivery, {
      joined: (id, position) => this.#perform(joined(this.#session, id, position)),
      failed: (id, refusal) => this.#perform(refused(this.#session, id, refusal?.message))
    })
    this.#reception = makeReception({
      limits,
      now,
      session: this.session,
      perform: (transition) => this.#perform(transition),
      busy: () => this.#admission.busy(),
      leave: (frame, reason) => this.leave(frame, NOT_ALLOWED, reason),
      spend: (kind) => options.spend(kind, this.#session.grant),
      offended: options.offended
    })
    this.#admission = makeAdmission({
      ...options,
      authMillis: limits.authMillis,
      granted: (id, grant, leftMillis) => this.#grant(id, grant, leftMillis),
      refused: (id, reason) => this.#settle(unauthorized(this.#session, id, reason)),
      over: (why) =>
        this.leave(notWelcome(why), NOT_ALLOWED, why === "expired" ? "token expired" : "authentication needed")
    })
    this.#perform(opening)
    if (!authenticator.required) this.#enter(everything)
    if (handshake === undefined) return
    if ("grant" in handshake) this.#admission.accept(handshake.grant)
    else this.#settle(unauthorized(this.#session, null, handshake.reason))
  }

  get id(): string {
    return this.#options.id
  }

  readonly session = (): Session => this.#session

  receive(inbound: Inbound): void {
    if (!this.#gone) this.#reception.take(inbound)
  }

  pinged(bytes: number): void {
    if (!this.#gone) this.#reception.count(bytes)
  }

  drained(): void {
    this.#movedAt = this.#options.now()
    if (!this.#gone) this.#delivery.drained()
  }

  check(): void {
    if (this.#gone) return
    const now = this.#options.now()
    if (this.#options.socket.pendingBytes() === 0) this.#movedAt = now
    else if (now - this.#movedAt > this.#options.limits.stallMillis) this.#tooSlow(null, "stalled")
  }

  leave(frame: Frame, code: number, reason: string): void {
    if (!this.#gone) this.#options.socket.send(JSON.stringify(frame))
    this.close(code, reason)
  }

  close(code: number, reason: string): void {
    if (this.#gone) return
    this.closed()
    this.#options.socket.close(code, reason)
  }

  closed(): void {
    this.#gone = true
    this.#admission.end()
    this.#keeper.releaseAll()
    this.#delivery.end()
  }

  account(): DeliveryStats {
    return this.#delivery.account
  }

  #tooSlow(id: string | null, why: SlowReason): void {
    this.leave(slowConsumer(id, why, this.#options.limits), TRY_AGAIN_LATER, "slow consumer")
  }

  #grant(id: string | null, grant: Grant, leftMillis: number | undefined): void {
    if (this.#enter(grant)) this.#settle(granted(this.#session, id, grant, leftMillis))
  }

  #enter(grant: Grant): boolean {
    if (this.#entered) return true
    this.#entered = true
    const full = this.#options.enter(this, grant)
    if (full !== undefined) this.leave(noRoom(full), TRY_AGAIN_LATER, "too many connections")
    return full === undefined
  }

  #settle(transition: Transition): void {
    this.#reception.settle(transition)
    this.#reception.release()
  }

  #perform(transition: Transition): void {
    if (this.#gone) return
    this.#session = transition.session
    for (const action of transition.actions) if (!this.#gone) this.#act(action)
  }

  #act(action: Action): void {
    if (action.do === "send") this.#send(JSON.stringify(action.frame))
    else if (action.do === "subscribe") this.#keeper.keep(action)
    else if (action.do === "authenticate") this.#admission.verify(action.id, action.token)
    else if (action.do === "unsubscribe") this.#keeper.release(action.id)
    else {
      const { ask, address, run } = this.#options
      const options = { ask, address, session: this.session, perform: (to: Transition) => this.#perform(to) }
      run(answering(options, action.asked, action.grant))
    }
  }

  #send(text: string): void {
    const { socket, limits } = this.#options
    const pending = socket.pendingBytes()
    if (pending > limits.pendingBytesMax) return this.#tooSlow(null, "full")
    if (pending >= limits.socketBytesMax) this.#delivery.count()
    if (!this.#gone) socket.send(text)
  }
}
