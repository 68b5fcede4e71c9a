import { Clock, Effect } from "effect"
import { addressFault, type InvalidAddress } from "./address.ts"
import type { Selection } from "./archive.ts"
import type { Pause, Target } from "./controls.ts"
import { type DeadLetter, NoSuchLetter, NotRetryable, readLetter, retryOf } from "./dead-letters.ts"
import { type ActingSources, type DropError, type DropOptions, type Dropped, dropMail } from "./dropping.ts"
import type { AppendError, ReadError } from "./errors.ts"
import type { Sources } from "./inspection.ts"
import { resumeFailed } from "./resuming.ts"

export type RetryError = NoSuchLetter | NotRetryable | AppendError | ReadError

/** What people change in a running system, one act at a time. What each does stands at `Operators`. */
export interface Acts {
  readonly pause: (target: Target, cause: string) => Effect.Effect<boolean, ReadError | InvalidAddress>
  readonly resume: (target: Target) => Effect.Effect<boolean, ReadError | InvalidAddress>
  readonly resumeFailed: (target: Target) => Effect.Effect<ReadonlyArray<Pause>, ReadError | InvalidAddress>
  readonly retry: (sequence: number) => Effect.Effect<void, RetryError>
  readonly drop: (sequence: number) => Effect.Effect<void, ReadError | NoSuchLetter>
  readonly dropMail: (
    selection: Selection & { readonly type: string },
    options: DropOptions
  ) => Effect.Effect<Dropped, DropError | InvalidAddress>
}

const CAUSE_CHARACTERS_MAX = 1_000

/** The acts of who may write into the log and the buckets. */
export const makeActs = (sources: ActingSources): Acts => {
  const { archive, controls } = sources
  return {
    pause: (target, cause) =>
      Effect.gen(function* () {
        yield* checkTarget(target)
        const since = yield* Clock.currentTimeMillis
        const pause: Pause = { target, by: "operator", cause: cause.slice(0, CAUSE_CHARACTERS_MAX), since }
        if (yield* controls.pause(pause)) return true
        // What the runtime paused would go on by itself.
        if (target.kind !== "actor" || (yield* resumeFailed(controls, target)).length === 0) return false
        return yield* controls.pause(pause)
      }),
    resume: (target) => Effect.andThen(checkTarget(target), controls.resume(target)),
    resumeFailed: (target) => Effect.andThen(checkTarget(target), resumeFailed(controls, target)),
    retry: (sequence) => Effect.flatMap(letterOf(sources, sequence), retryWith(sources)),
    drop: (sequence) =>
      Effect.flatMap(archive.drop(sequence), (dropped) =>
        dropped ? Effect.void : Effect.fail(new NoSuchLetter({ sequence }))
      ),
    dropMail: (selection, options) => Effect.andThen(checkSelection(selection), dropMail(sources, selection, options))
  }
}

const checkTarget = (target: Target): Effect.Effect<void, InvalidAddress> => {
  if (target.kind === "everything") return Effect.void
  return checkSelection(target.kind === "type" ? { type: target.type } : target.address)
}

/** What is not said is checked with what surely fits. */
export const checkSelection = ({ type = "a", id = "a" }: Selection): Effect.Effect<void, InvalidAddress> => {
  const fault = addressFault({ type, id })
  return fault === undefined ? Effect.void : Effect.fail(fault)
}

/** One dead letter. */
export const letterOf = (
  { archive }: Pick<Sources, "archive">,
  sequence: number
): Effect.Effect<DeadLetter, ReadError | NoSuchLetter> =>
  Effect.flatMap(archive.letter(sequence), (letter) =>
    letter === undefined ? Effect.fail(new NoSuchLetter({ sequence })) : Effect.succeed(readLetter(letter))
  )

const retryWith =
  ({ log, archive }: ActingSources) =>
  (letter: DeadLetter): Effect.Effect<void, RetryError> =>
    Effect.suspend((): Effect.Effect<void, RetryError> => {
      const mail = retryOf(letter)
      if (mail instanceof NotRetryable) return Effect.fail(mail)
      return log.append([mail]).pipe(
        // An earlier try got as far as this.
        Effect.catchTag("AlreadyStored", () => Effect.void),
        // Only then: a message must not be lost between the two.
        Effect.andThen(archive.drop(letter.sequence)),
        Effect.asVoid
      )
    })
