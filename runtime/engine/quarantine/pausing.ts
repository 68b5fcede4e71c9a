import { Effect } from "effect"
import { type Address, formatAddress } from "../../address.ts"
import type { Controls, Pause, Pauses } from "../../controls.ts"
import type { Mail, Messaging } from "../../log.ts"
import type { Trials } from "./trials.ts"
import { noticeOfWaiting } from "./waiting.ts"

/** What changes together is looked at together. */
const REVIEW_MILLIS = 10

interface PausingHost {
  readonly log: Pick<Messaging, "answer">
  readonly controls: Controls["Service"]
  readonly trials: Trials
  readonly shards: ReadonlySet<{ readonly review: () => void }>
  readonly later: (millis: number, callback: () => void) => void
  readonly fork: (effect: Effect.Effect<void>) => unknown
}

/**
 * What is paused, as last heard; shards are told when that changes.
 *
 * An actor that the runtime paused may be tried again, and goes on for everybody once a message of it was done here.
 */
export class Pausing {
  readonly #host: PausingHost
  #pauses: Pauses | undefined
  #due = false
  /** Actors that are being resumed. */
  readonly #resuming = new Set<string>()

  constructor(host: PausingHost) {
    this.#host = host
  }

  /** Follows the controls until the scope closes. */
  get follow() {
    return this.#host.controls.watch((pauses) => {
      this.#pauses = pauses
      if (this.#due) return
      this.#due = true
      this.#host.later(REVIEW_MILLIS, () => this.#review())
    })
  }

  /** Whether nothing of an actor may be decided. */
  isPaused(address: Address): boolean {
    return this.causeOf(address) !== undefined
  }

  /** Why nothing of an actor may be decided; nothing if it may. */
  causeOf(address: Address): string | undefined {
    const pause = this.#of(address)
    // It failed here a moment ago, and we have not heard of its pause yet.
    if (pause === undefined) return this.#host.trials.allows(address) ? undefined : "it cannot go on"
    return this.#onTrial(pause, address) ? undefined : causeOf(pause)
  }

  /** Tells an asker that its message waits for a paused actor, and why. */
  tell(mail: Mail): void {
    const notice = noticeOfWaiting(mail, this.causeOf(mail.to) ?? "it is paused")
    if (notice !== undefined) this.#host.log.answer(notice.inbox, notice.payload)
  }

  /** Whether the runtime has paused the actor already. */
  isKnown(address: Address): boolean {
    const pause = this.#of(address)
    return pause !== undefined && byRuntime(pause)
  }

  /** A message of the actor is done. */
  went(address: Address): void {
    const pause = this.#of(address)
    if (pause === undefined || !this.#onTrial(pause, address)) return
    const actor = formatAddress(address)
    if (this.#resuming.has(actor)) return
    this.#resuming.add(actor)
    this.#host.fork(
      this.#host.controls.resume(pause.target).pipe(
        Effect.andThen(Effect.logInfo("an actor that could not go on goes on again", { actor })),
        Effect.catch((error) => Effect.logWarning("an actor goes on and stays listed as paused", { actor, error })),
        Effect.ensuring(Effect.sync(() => this.#resuming.delete(actor)))
      )
    )
  }

  #of(address: Address): Pause | undefined {
    return this.#pauses === undefined || this.#pauses.isEmpty ? undefined : this.#pauses.of(address)
  }

  #onTrial(pause: Pause, address: Address): boolean {
    return byRuntime(pause) && this.#host.trials.allows(address)
  }

  #review(): void {
    this.#due = false
    const pauses = this.#pauses
    if (pauses === undefined) return
    const paused = new Set(
      pauses.all.map(({ target }) => (target.kind === "actor" ? formatAddress(target.address) : ""))
    )
    this.#host.trials.keep((actor) => paused.has(actor))
    for (const shard of this.#host.shards) shard.review()
  }
}

/** Of an actor that could not go on, which another process may be able to do. */
const byRuntime = ({ by, target, crashed }: Pause): boolean =>
  by === "runtime" && target.kind === "actor" && crashed !== true

const causeOf = ({ by, cause, target }: Pause): string => {
  const what = target.kind === "actor" ? "it" : target.kind === "type" ? "its type" : "everything"
  return `${what} is paused by ${by === "runtime" ? "the runtime" : "an operator"}: ${cause}`
}
