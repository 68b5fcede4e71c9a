import type { Mail } from "../../log.ts"
import { CommitBuffer, type Size } from "../commit/commit-buffer.ts"
import type { ActorState } from "../step/actor-state.ts"

const NOTHING: Size = { entries: 1, characters: 0 }

/** Nothing is decided: the journal is being read, or the shard is not ours any more. */
class Resting {
  /** As it was before, where it was read before: activities that were open may still run. */
  readonly actor: ActorState
  readonly flight = undefined
  readonly isUndone = false
  readonly oldest: number | undefined = undefined
  readonly decided: ReadonlyArray<Mail> = []
  readonly groupSize = NOTHING

  constructor(actor: ActorState) {
    this.actor = actor
  }
}

/** The journal is being read, or is to be. */
export class Loading extends Resting {
  readonly phase = "loading"
}

/** The shard is not ours any more: what was in flight may still be stored, and nobody is told. */
export class Abandoned extends Resting {
  readonly phase = "abandoned"
}

/** Messages are decided, ahead of their commits. */
export class Running {
  readonly phase = "running"
  /** With all that is decided. */
  readonly actor: ActorState
  /** What is decided and in no group yet. */
  open = new CommitBuffer()
  /** What is on its way to the log. */
  flight: CommitBuffer | undefined = undefined

  constructor(actor: ActorState) {
    this.actor = actor
  }

  /** Something is decided and not stored or answered. */
  get isUndone(): boolean {
    return this.open.mails.length > 0 || this.flight !== undefined
  }

  /** The oldest message that is decided and not done. */
  get oldest(): number | undefined {
    return (this.flight?.mails[0] ?? this.open.mails[0])?.sequence
  }

  /** All of them, in order. */
  get decided(): ReadonlyArray<Mail> {
    return [...(this.flight?.mails ?? []), ...this.open.mails]
  }

  /** What the next group comes to, snapshot aside. */
  get groupSize(): Size {
    return this.open.size
  }

  /** The next group, which is in flight from now on; nothing if there is none or one is. */
  takeFlight(): CommitBuffer | undefined {
    if (this.flight !== undefined || this.open.steps.length === 0) return undefined
    this.flight = this.open
    this.open = new CommitBuffer()
    return this.flight
  }
}

export type ActivationState = Loading | Running | Abandoned
