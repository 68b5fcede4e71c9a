import type { Effect, Fiber } from "effect"
import type { Frame } from "../../protocols/index.ts"
import { makeAdmission } from "../auth/admission.ts"
import type { Authenticator } from "../auth/authenticator.ts"
import { everything } from "../auth/grant.ts"
import type { GatewayLimits } from "../policy.ts"
import { Delivery, type Socket } from "../streams/delivery.ts"
import type { Fanout } from "../streams/fanout.ts"
import type { Account } from "../streams/outlet.ts"
import { keepSubscriptions } from "../streams/subscriptions.ts"
import { answering } from "./answering.ts"
import { notWelcome, slowConsumer } from "./farewell.ts"
import { makeIntake } from "./intake.ts"
import type { Asked, Question } from "./question.ts"
import {
  type Action,
  granted,
  type Inbound,
  joined,
  open,
  receive,
  refused,
  type Session,
  type Transition,
  tooHasty,
  unauthorized
} from "./session.ts"

export type { Socket }

/** One open WebSocket: its session, and the fibers that keep its subscriptions. */
export interface Connection {
  readonly id: string
  /** Who it is, and what it is subscribed to. */
  readonly session: () => Session
  readonly receive: (inbound: Inbound) => void
  /** The network took bytes. */
  readonly drained: () => void
  /** Says goodbye, with a last frame. */
  readonly leave: (frame: Frame, code: number, reason: string) => void
  /** Says goodbye. */
  readonly close: (code: number, reason: string) => void
  /** The socket is gone: it is not touched again, and the subscriptions end. */
  readonly closed: () => void
  /** What became of the events of all its subscriptions, those that ended included. */
  readonly account: () => Account
}

export interface ConnectionOptions {
  readonly id: string
  readonly socket: Socket
  readonly limits: GatewayLimits
  readonly fanout: Fanout
  readonly authenticator: Authenticator
  /** A token or key that came with the handshake. */
  readonly credential?: string | undefined
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number
  /** Asks actors; what goes wrong is an answer too. */
  readonly ask: (question: Question) => Effect.Effect<Asked>
  /** Runs a subscription or a question; the gateway interrupts what is left when it stops. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

// RFC 6455, section 7.4.1: the policy is violated.
const NOT_ALLOWED = 1008
// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

/** Opens the conversation on a socket and sends `welcome`. */
export const connect = (options: ConnectionOptions): Connection => {
  const { socket, limits, now, credential, authenticator, ask, run } = options
  let gone = false
  const leave = (frame: Frame, code: number, reason: string): void => {
    if (!gone) socket.send(JSON.stringify(frame))
    close(code, reason)
  }
  const tooSlow = (id: string | null) => leave(slowConsumer(id, limits), TRY_AGAIN_LATER, "slow consumer")
  const send = (text: string): void => {
    if (socket.pendingBytes() > limits.pendingBytesMax) return tooSlow(null)
    socket.send(text)
  }
  const closed = (): void => {
    gone = true
    admission.end()
    keeper.releaseAll()
  }
  const close = (code: number, reason: string): void => {
    if (gone) return
    closed()
    socket.close(code, reason)
  }
  const act = (action: Action): void => {
    if (action.do === "send") send(JSON.stringify(action.frame))
    else if (action.do === "subscribe") keeper.keep(action)
    else if (action.do === "authenticate") admission.verify(action.id, action.token)
    else if (action.do === "ask") run(answering({ ask, session: () => session, perform }, action))
    else keeper.release(action.id)
  }
  const perform = (transition: Transition): void => {
    if (gone) return
    session = transition.session
    for (const action of transition.actions) if (!gone) act(action)
  }
  const delivery = new Delivery(socket, limits, tooSlow)
  const client = () => (authenticator.required ? session.grant?.subject : undefined)
  const keeper = keepSubscriptions({ ...options, client }, delivery, {
    joined: (id, position) => perform(joined(session, id, position)),
    failed: (id, refusal) => perform(refused(session, id, refusal?.message))
  })
  const intake = makeIntake({
    busy: () => admission.busy(),
    take: (inbound) => perform(receive(session, inbound, now())),
    tooMuch: () => perform(tooHasty(session))
  })
  const settle = (transition: Transition): void => {
    perform(transition)
    intake.release()
  }
  const admission = makeAdmission({
    ...options,
    authMillis: limits.authMillis,
    granted: (id, grant, leftMillis) => settle(granted(session, id, grant, leftMillis)),
    refused: (id, reason) => settle(unauthorized(session, id, reason)),
    over: (why) => leave(notWelcome(why), NOT_ALLOWED, why === "expired" ? "token expired" : "authentication needed")
  })
  let session: Session
  perform(open(options.id, limits, now(), authenticator.required ? undefined : everything))
  if (authenticator.required && credential !== undefined) admission.verify(null, credential)
  return {
    id: options.id,
    session: () => session,
    receive: intake.take,
    drained: () => (gone ? undefined : delivery.drained()),
    leave,
    close,
    closed,
    account: keeper.account
  }
}
