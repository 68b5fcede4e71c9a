import { Result } from "effect"
import { limitNames } from "../policy.ts"
import type { Costly } from "./meter.ts"
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

/** What an operation was, that costs more than its frame, where there were too many. Nothing of it has happened. */
export const tooCostly = (
  session: Session,
  { kind, id }: { readonly kind: Costly; readonly id: string }
): Transition => {
  const { asksPerSecond, historiesPerSecond } = session.limits
  return kind === "ask"
    ? faulty(
        session,
        id,
        "rate_limited",
        `at most ${asksPerSecond} operations per second that agents answer (${limitNames.asksPerSecond})`
      )
    : faulty(
        session,
        id,
        "rate_limited",
        `at most ${historiesPerSecond} subscriptions per second that begin in the past (${limitNames.historiesPerSecond})`
      )
}

/** What of a transition costs more than its frame. */
export const costOf = ({ actions }: Transition): { readonly kind: Costly; readonly id: string } | undefined => {
  for (const action of actions) {
    if (action.do === "ask") return { kind: "ask", id: action.operation.id }
    if (action.do === "subscribe" && action.start !== "new") return { kind: "history", id: action.id }
  }
  return undefined
}

/** Of what is refused unread, so much is read for its id. */
const READ_BYTES_MAX = 256
