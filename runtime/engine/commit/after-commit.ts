import type { Address } from "../../address.ts"
import type { ActorState } from "../step/actor-state.ts"
import type { CommitBuffer } from "./commit-buffer.ts"
import type { Timer } from "./node-timers.ts"

/** What lets out the effects of a group that is stored. */
export interface Effects<A> {
  readonly replies: { readonly answer: (inbox: string, payload: string) => void }
  readonly timers: { readonly stored: (to: Address, name: string, timer: Timer | undefined) => void }
  readonly activities: {
    readonly start: (activation: A, key: string) => void
    readonly stop: (activation: A, key: string) => void
  }
}

/**
 * Lets out what had to wait until a group was stored: answers, the ends and beginnings of activities, timers that the node fires
 * itself. True if it began an activity.
 */
export const afterCommit = <A extends { readonly address: Address; readonly core: ActorState }>(
  activation: A,
  stored: CommitBuffer,
  { replies, timers, activities }: Effects<A>
): boolean => {
  let began = false
  for (const { inbox, payload } of stored.answers) replies.answer(inbox, payload)
  for (const key of stored.ended) activities.stop(activation, key)
  for (const [name, timer] of stored.timers) timers.stored(activation.address, name, timer)
  for (const [key, generation] of stored.started) {
    // Started anew by a step that is not committed yet, it waits for that.
    if (activation.core.activities.get(key)?.generation !== generation) continue
    activities.start(activation, key)
    began = true
  }
  return began
}
