import { Effect } from "effect"
import { type Address, formatAddress, shardOf } from "../../address.ts"
import type { Controls } from "../../controls.ts"
import type { NewerVersion } from "../../errors.ts"
import type { ActorLog } from "../../log.ts"
import type { Pausing } from "./pausing.ts"
import type { Trials } from "./trials.ts"
import { pauseUnrecoverable } from "./unrecoverable.ts"

/** When an actor is tried again that was not taken by another node, or could not be paused. */
const REOPEN_MILLIS = 10_000

/** An actor that can be kept from its mail. */
export interface Shuttable {
  readonly address: Address
  /** Takes no more mail. False if it was so before. */
  shut(): boolean
  /** Tries again. */
  reopen(): void
}

interface QuarantineHost {
  readonly log: ActorLog["Service"]
  readonly controls: Controls["Service"]
  readonly declining: { readonly decline: (shard: string) => boolean }
  readonly trials: Trials
  readonly pausing: Pausing
  readonly now: () => number
  readonly later: (millis: number, callback: () => void) => void
  readonly fork: (effect: Effect.Effect<void>) => unknown
}

/** What happens to actors that cannot go on here: they are left to a newer node, or paused and tried again later. */
export const makeQuarantine = ({ log, controls, declining, trials, pausing, now, later, fork }: QuarantineHost) => {
  const reopenLater = (activation: Shuttable) => later(REOPEN_MILLIS, () => activation.reopen())
  /** Later: who tells of it is in the middle of its mail. */
  const shut = (activation: Shuttable, then: () => void) =>
    later(0, () => {
      if (activation.shut()) then()
    })
  return {
    tooOld: (activation: Shuttable, error: NewerVersion) =>
      shut(activation, () => {
        // Also where it is left to another node: that one may be gone before it has taken the shard.
        declining.decline(shardOf(activation.address, log.shards))
        reopenLater(activation)
        const actor = formatAddress(activation.address)
        fork(Effect.logWarning("an actor is left to a newer node", { actor, reason: error.message }))
      }),
    giveUp: (activation: Shuttable, cause: unknown) =>
      shut(activation, () => {
        const reason = cause instanceof Error ? cause.message : String(cause)
        const known = pausing.isKnown(activation.address)
        const wait = trials.failed(activation.address, known)
        later(wait, () => {
          if (pausing.causeOf(activation.address) === undefined) activation.reopen()
        })
        if (known) return void fork(stillPaused(activation.address, reason, wait))
        const paused = pauseUnrecoverable(log, controls, activation.address, reason, now())
        fork(
          Effect.catch(paused, (error) =>
            Effect.logError("an actor that cannot go on could not be paused", { reason: error.message }).pipe(
              Effect.andThen(Effect.sync(() => trials.forget(activation.address))),
              Effect.andThen(Effect.sync(() => reopenLater(activation)))
            )
          )
        )
      })
  }
}

const stillPaused = (address: Address, cause: string, wait: number) =>
  Effect.logDebug("an actor that was tried again stays paused", {
    actor: formatAddress(address),
    cause,
    next_try_seconds: wait / 1_000
  })
