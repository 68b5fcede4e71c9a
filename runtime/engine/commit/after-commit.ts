import type { Address } from "../../address.ts"
import type { ActorState } from "../step/actor-state.ts"
import type { OutgoingAnswer } from "../step/decision.ts"
import type { CommitBuffer } from "./commit-buffer.ts"
import type { Timer } from "./node-timers.ts"

/** What lets out the effects of a group that is stored. */
export interface Effects<A> {
  readonly answer: (answer: OutgoingAnswer) => void
  readonly stopActivity: (activation: A, key: string) => void
  readonly timerStored: (activation: A, name: string, timer: Timer | undefined) => void
  readonly startActivity: (activation: A, key: string) => void
}

/** Lets out what had to wait until a group was stored: answers, the ends and beginnings of activities, timers that the node fires itself. */
export const afterCommit = <A extends { readonly address: Address; readonly core: ActorState }>(
  activation: A,
  stored: CommitBuffer,
  effects: Effects<A>
): void => {
  for (const answer of stored.answers) effects.answer(answer)
  for (const key of stored.ended) effects.stopActivity(activation, key)
  for (const [name, timer] of stored.timers) effects.timerStored(activation, name, timer)
  for (const [key, generation] of stored.started) {
    // Started anew by a step that is not committed yet, it waits for that.
    if (activation.core.activities.get(key)?.generation === generation) effects.startActivity(activation, key)
  }
}
