import { type Address, formatAddress } from "../../address.ts"
import type { Watcher } from "../../journal.ts"
import type { Entry } from "../../log.ts"
import type { ActorState } from "./actor-state.ts"

/** What ends with an actor that stops. */
export interface StopEffects {
  readonly cancelled: ReadonlyArray<string>
  readonly ended: ReadonlyArray<string>
  readonly entries: ReadonlyArray<Entry>
}

/** How many may watch an actor: they are all told in the group in which it stops, which the server limits. */
export const WATCHERS_MAX = 500
/** So many timers are removed when an actor stops; what others bring is ignored. */
const TIMERS_REMOVED_MAX = 250

/** Closes everything that is open in an actor, and tells who watches it. */
export const closeAll = (self: Address, core: ActorState, correlation: string): StopEffects => {
  const cancelled = [...core.timers.keys()].slice(0, TIMERS_REMOVED_MAX)
  return {
    cancelled,
    ended: [...core.activities.keys()],
    entries: [
      ...cancelled.map((name): Entry => ({ kind: "untimer", owner: self, name })),
      ...Array.from(core.watchers, ([watcher, told]) => noticeOf(self, watcher, told, correlation))
    ]
  }
}

/** The message by which a watcher, `type/id`, is told of an actor. */
export const noticeOf = (self: Address, watcher: string, told: Watcher, correlation: string, id?: string): Entry => {
  const separator = watcher.indexOf("/")
  const { role, message, body, v } = told
  const mail = {
    kind: "message",
    message,
    body,
    from: formatAddress(self),
    correlation,
    ...(v !== undefined && { v }),
    ...(id !== undefined && { id })
  }
  return {
    kind: "mail",
    to: {
      type: watcher.slice(0, separator),
      id: watcher.slice(separator + 1),
      ...(role !== undefined && { role })
    },
    payload: JSON.stringify(mail),
    ...(id !== undefined && { id })
  }
}
