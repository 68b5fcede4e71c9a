import { Result } from "effect"
import type { ConnectionOperation, ErrorData, Frame, SlowPolicy, Start, Subscribe } from "../../protocols/index.ts"
import { NESTED, nestingFault } from "../../runtime/index.ts"
import { refuseRight } from "../admission/access.ts"
import type { Grant } from "../auth/grant.ts"
import { formatFault } from "../failures/fault.ts"
import type { AnalysisProgress } from "../operations/progress.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"
import { ownFrame } from "./close-frames.ts"
import { parseJson, readId, readOperation } from "./operation.ts"
import { ASKING_MAX, type AskOperation, type QuestionResult } from "./question.ts"

/**
 * One client's side of the conversation: no I/O, no clock. What comes in gives the next session and what to do.
 *
 * A subscription, by the id that the client gave it:
 *
 *     (none) ── subscribe ──▶ opening ── joined ──▶ live
 *        ▲                       │                    │
 *        └── refused, unsubscribe┴──── unsubscribe ───┘
 *
 * 1. Every operation whose id can be read is answered by one frame with that id: `subscribed`, `result` or `error`.
 *    One exception: the answer to an `unsubscribe` is also that of a subscribe still opening.
 * 2. A broken frame changes nothing.
 * 3. `subscribed` is sent before the first event of the subscription, and no event after the result of `unsubscribe`.
 */
export interface Session {
  readonly id: string
  readonly limits: GatewayLimits
  /** What the client may see and do; nothing before it has said who it is. */
  readonly grant: Grant | undefined
  readonly subscriptions: ReadonlyMap<string, Subscription>
  /** Questions to actors that are not answered yet. */
  readonly asking: number
}

export interface Subscription {
  readonly pattern: string
  readonly phase: "opening" | "live"
}

/** What arrived on the socket; `size` is in bytes. */
export type Inbound =
  | { readonly kind: "text"; readonly text: string; readonly size: number }
  | { readonly kind: "binary"; readonly size: number }
  | { readonly kind: "oversized"; readonly size: number }

/** What the owner of the session has to do, in this order. */
export type Action =
  | { readonly do: "send"; readonly frame: Frame }
  /** Join the pattern, then call `joined` or `refused`. */
  | {
      readonly do: "subscribe"
      readonly id: string
      readonly pattern: string
      readonly start: Start
      readonly onSlow: SlowPolicy
      readonly bytesMax: number
    }
  /** Look at the credential, then call `granted` or `unauthorized`. */
  | { readonly do: "authenticate"; readonly id: string; readonly token: string }
  /** Deliver no more under this id. */
  | { readonly do: "unsubscribe"; readonly id: string }
  /** Ask actors, then call `answered`. */
  | { readonly do: "ask"; readonly asked: AskOperation; readonly grant: Grant }

export interface Transition {
  readonly session: Session
  readonly actions: ReadonlyArray<Action>
  /** What came was no operation, or none for this client: who sends too many of them is closed. */
  readonly fault?: true
}

export const PROTOCOL_VERSION = 1

/** The conversation begins. Without a grant the client has to say who it is. */
export const open = (id: string, limits: GatewayLimits, grant?: Grant): Transition => ({
  session: { id, limits, grant, subscriptions: new Map(), asking: 0 },
  actions: [
    sendOwn("welcome", {
      protocol: PROTOCOL_VERSION,
      session: id,
      auth: grant === undefined ? "required" : "none",
      limits: {
        subscriptions: limits.subscriptionsMax,
        operations_per_second: limits.operationsPerSecond,
        bytes_per_second: limits.bytesPerSecond,
        frame_bytes: limits.frameBytesMax,
        pending_bytes: limits.pendingBytesMax
      }
    })
  ]
})

/** The client sent something, and may. */
export const receive = (session: Session, inbound: Inbound): Transition => {
  if (inbound.kind === "binary") return faulty(session, null, "binary_frame", "operations are JSON in text frames")
  if (inbound.kind === "oversized") {
    const limit = session.limits.frameBytesMax
    const rule = `a frame has at most ${limit} bytes (${limitNames.frameBytesMax}), this one has ${inbound.size}`
    return faulty(session, null, "frame_too_large", rule)
  }
  const deep = nestingFault(inbound.text)
  if (deep !== undefined) {
    const { id, field } = deep
    return faulty(
      session,
      id,
      field === "" ? "malformed_json" : "invalid_operation",
      formatFault({ field, rule: NESTED })
    )
  }
  const json = parseJson(inbound.text)
  if (Result.isFailure(json)) return faulty(session, null, "malformed_json", "the frame is not a whole JSON text")
  const id = readId(json.success)
  const operation = readOperation(json.success)
  if (Result.isFailure(operation)) return faulty(session, id, operation.failure.code, formatFault(operation.failure))
  return perform(session, operation.success)
}

/** The subscription gets every event after a position, which is not known where it starts at a time. */
export const joined = (session: Session, id: string, position: number | undefined): Transition => {
  const subscription = session.subscriptions.get(id)
  if (subscription?.phase !== "opening") return { session, actions: [] }
  const subscriptions = new Map(session.subscriptions).set(id, { ...subscription, phase: "live" })
  return {
    session: { ...session, subscriptions },
    actions: [sendOwn("subscribed", { id, pattern: subscription.pattern, seq: position ?? null })]
  }
}

/** The subscription could not be opened, or not go on: too many patterns, as the message says, or no log. */
export const refused = (session: Session, id: string, tooMany?: string): Transition => {
  if (!session.subscriptions.has(id)) return { session, actions: [] }
  return tooMany === undefined
    ? refuse(without(session, id), id, "internal", "events cannot be read now: try again later")
    : refuse(without(session, id), id, "too_many_patterns", tooMany)
}

/** How far a question has come. */
export const progressed = (session: Session, { id, op }: AskOperation, progress: AnalysisProgress): Transition => ({
  session,
  actions: [sendOwn("progress", { id, op, ...progress })]
})

/** Actors have answered, or will not. */
export const answered = (before: Session, { id, op }: AskOperation, result: QuestionResult): Transition => {
  const session = { ...before, asking: before.asking - 1 }
  if (result.ok) return { session, actions: [sendOwn("result", { id, op, ok: true, ...result.data })] }
  const { ok: _, ...fault } = result
  return { session, actions: [sendOwn("error", { id, ...fault } satisfies ErrorData)] }
}

/** The credential is good, for `leftMillis` where it expires. Subscriptions that it does not cover end. */
export const granted = (session: Session, id: string | null, grant: Grant, leftMillis?: number): Transition => {
  const lost = [...session.subscriptions].filter(([, { pattern }]) => !grant.sees(pattern))
  const subscriptions = new Map(session.subscriptions)
  for (const [subscription] of lost) subscriptions.delete(subscription)
  const { subject, expiresAt } = grant
  const expires = expiresAt === undefined ? null : new Date(expiresAt).toISOString()
  return {
    session: { ...session, grant, subscriptions },
    actions: [
      ...lost.flatMap(
        ([subscription, { pattern }]): ReadonlyArray<Action> => [
          { do: "unsubscribe", id: subscription },
          sendOwn("error", forbiddenPattern(subscription, pattern))
        ]
      ),
      sendOwn("result", { id, op: "auth", ok: true, subject, expires_at: expires, expires_in_ms: leftMillis ?? null })
    ]
  }
}

/** The credential is not good. What was granted before stays. */
export const unauthorized = (session: Session, id: string | null, reason: string): Transition =>
  faulty(session, id, "unauthorized", reason)

/** Too much was said while a credential was being looked at. */
export const tooHasty = (session: Session): Transition =>
  faulty(session, null, "rate_limited", "wait for the answer to `auth`")

const perform = (session: Session, operation: ConnectionOperation | AskOperation): Transition => {
  const { grant } = session
  if ("operation" in operation) return ask(session, operation)
  if (operation.op === "auth") {
    return { session, actions: [{ do: "authenticate", id: operation.id, token: operation.token }] }
  }
  if (grant === undefined) return unauthenticated(session, operation.id)
  switch (operation.op) {
    case "ping":
      return answer(session, operation)
    case "unsubscribe":
      if (!session.subscriptions.has(operation.id)) {
        return refuse(session, operation.id, "unknown_subscription", "`id`: there is no subscription with this id")
      }
      return answer(without(session, operation.id), operation, { do: "unsubscribe", id: operation.id })
    case "subscribe":
      return subscribe(session, operation)
  }
}

const unauthenticated = (session: Session, id: string): Transition =>
  faulty(session, id, "unauthenticated", "send a token first: an `auth` operation")

/** An operation of the table is asked for: whoever is known may do it, if the right that it needs is theirs. */
const ask = (session: Session, asked: AskOperation): Transition => {
  const { grant } = session
  const { id, operation } = asked
  if (grant === undefined) return unauthenticated(session, id)
  const forbidden = refuseRight(operation.access, grant)
  if (forbidden !== undefined) return refuse(session, id, "forbidden", forbidden.detail)
  if (session.asking >= ASKING_MAX) {
    const rule = `at most ${ASKING_MAX} questions of one client may be without an answer`
    return refuse(session, id, "too_many_requests", rule)
  }
  return { session: { ...session, asking: session.asking + 1 }, actions: [{ do: "ask", asked, grant }] }
}

const subscribe = (session: Session, operation: Subscribe): Transition => {
  const { id, pattern, start = "new", on_slow: onSlow = "close" } = operation
  const { subscriptionsMax, pendingBytesMax } = session.limits
  const bytesMax = operation.pending_bytes ?? pendingBytesMax
  if (session.subscriptions.has(id)) {
    return refuse(session, id, "duplicate_subscription", "`id`: there is a subscription with this id already")
  }
  if (session.grant?.sees(pattern) !== true) {
    return { session, actions: [sendOwn("error", forbiddenPattern(id, pattern))] }
  }
  if (session.subscriptions.size >= subscriptionsMax) {
    return refuse(
      session,
      id,
      "too_many_subscriptions",
      `a client has at most ${subscriptionsMax} subscriptions (${limitNames.subscriptionsMax})`
    )
  }
  if (bytesMax > pendingBytesMax) {
    return refuse(
      session,
      id,
      "invalid_operation",
      `\`pending_bytes\`: at most ${pendingBytesMax} (${limitNames.pendingBytesMax})`
    )
  }
  const subscriptions = new Map(session.subscriptions).set(id, { pattern, phase: "opening" })
  return {
    session: { ...session, subscriptions },
    actions: [{ do: "subscribe", id, pattern, start, onSlow, bytesMax }]
  }
}

const forbiddenPattern = (id: string, pattern: string): ErrorData => ({
  id,
  code: "forbidden",
  message: `\`pattern\`: your token does not allow all of ${pattern}`
})

const answer = (session: Session, operation: ConnectionOperation, ...before: ReadonlyArray<Action>): Transition => ({
  session,
  actions: [...before, sendOwn("result", { id: operation.id, op: operation.op, ok: true })]
})

/** An error, and nothing else has happened. */
export const refuse = (session: Session, id: string | null, code: ErrorData["code"], message: string): Transition => ({
  session,
  actions: [sendOwn("error", { id, code, message } satisfies ErrorData)]
})

/** The same, which counts against the client. */
export const faulty = (session: Session, id: string | null, code: ErrorData["code"], message: string): Transition => ({
  ...refuse(session, id, code, message),
  fault: true
})

const without = (session: Session, id: string): Session => {
  const subscriptions = new Map(session.subscriptions)
  subscriptions.delete(id)
  return { ...session, subscriptions }
}

const sendOwn = (type: string, data: unknown): Action => ({ do: "send", frame: ownFrame(type, data) })
