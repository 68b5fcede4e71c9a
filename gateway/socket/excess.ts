import { Result } from "effect"
import type { Costly } from "../admission/costs.ts"
import { limitNames } from "../policy.ts"
import { parseJson, readId } from "./operation.ts"
import { faulty, type Inbound, refuse, type Session, type Transition } from "./session.ts"

/** The client sent more than it may: what it was is not looked at, but for the id of what is short. */
export const unread = (session: Session, inbound: Inbound, why: "too_many" | "too_fast"): Transition => {
  const { operationsPerSecond, bytesPerSecond } = session.limits
  const rule =
    why === "too_many"
      ? `at most ${operationsPerSecond} operations per second (${limitNames.operationsPerSecond})`
      : `at most ${bytesPerSecond} bytes per second (${limitNames.bytesPerSecond})`
  const json = inbound.kind === "text" && inbound.size <= READ_BYTES_MAX ? parseJson(inbound.text) : undefined
  const id = json === undefined || Result.isFailure(json) ? null : readId(json.success)
  return refuse(session, id, "rate_limited", rule)
}

/** What each kind is called, and how many may be, on one connection and on all of a client. */
const COSTLY = {
  ask: { what: "operations per second that agents answer", one: "asksPerSecond", all: "asksPerSecondPerClient" },
  history: {
    what: "subscriptions per second that begin in the past",
    one: "historiesPerSecond",
    all: "historiesPerSecondPerClient"
  }
} as const

/**
 * What an operation was, that costs more than its frame, where there were too many: on this connection, or on all of this client.
 * Nothing of it has happened.
 */
export const tooCostly = (
  session: Session,
  { kind, id }: { readonly kind: Costly; readonly id: string },
  of: "one" | "all"
): Transition => {
  const limit = COSTLY[kind][of]
  const together = of === "all" ? " on all connections of one client together" : ""
  const rule = `at most ${session.limits[limit]} ${COSTLY[kind].what}${together} (${limitNames[limit]})`
  return faulty(session, id, "rate_limited", rule)
}

/** What of a transition costs more than its frame. */
export const costOf = ({ actions }: Transition): { readonly kind: Costly; readonly id: string } | undefined => {
  for (const action of actions) {
    if (action.do === "ask") {
      const { id, operation } = action.asked
      return operation.access.cost === undefined ? undefined : { kind: operation.access.cost, id }
    }
    if (action.do === "subscribe" && action.start !== "new") return { kind: "history", id: action.id }
  }
  return undefined
}

/** Of what is refused unread, so much is read for its id. */
const READ_BYTES_MAX = 256
