import type { Core } from "./core.ts"
import type { ActivationHost } from "./host.ts"
import type { Pending } from "./pending.ts"

/** Lets out what had to wait until a group was stored: answers, the ends and beginnings of activities, timers that the node fires itself. */
export const release = <A extends { readonly core: Core }>(
  activation: A,
  stored: Pending,
  host: ActivationHost<A>
): void => {
  for (const answer of stored.answers) host.answer(answer)
  for (const key of stored.ended) host.stopActivity(activation, key)
  for (const [name, timer] of stored.timers) host.timerStored(activation, name, timer)
  for (const [key, generation] of stored.started) {
    // Started anew by a step that is not committed yet, it waits for that.
    if (activation.core.activities.get(key)?.generation === generation) host.startActivity(activation, key)
  }
}
