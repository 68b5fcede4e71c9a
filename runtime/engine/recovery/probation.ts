import type { Address } from "../../address.ts"
import type { Mail } from "../../log.ts"

/** So many actors are tested together, by how much they are suspected. Alone twice: processes end for other reasons, too. */
const TOGETHER = [64, 4, 1, 1] as const
/** So much is suspected who is tested alone. */
const ALONE = 2
/** So much is suspected who was being tested alone each time when the process ended. */
export const GUILTY = TOGETHER.length

/** How much somebody is suspected who was being tested, one of so many, when the process ended. */
export const suspicionAfter = (suspicion: number, together: number): number => {
  if (suspicion >= ALONE) return suspicion + 1
  return together > TOGETHER[1] ? suspicion + 1 : ALONE
}

/** An actor whose messages wait until it is tested. */
interface HeldActor {
  readonly address: Address
  readonly mails: Array<Mail>
}

/**
 * The actors of a shard whose last owner ended without giving it back: one of their messages may have ended it, and would end
 * us as well. So their mail waits in memory, and some of them at a time are let through, after it was noted who.
 *
 * Invariants:
 * 1. An actor whose mail waits here has no activation.
 * 2. Of an actor all mail waits until it is let through, and none afterwards.
 */
export class Probation {
  /** Who was being tested when it happened, and how much each is suspected. Everybody may be it, where nobody was. */
  readonly #suspects: ReadonlyMap<string, number>
  /** Those of them that are paused, and wait until all nodes know it. */
  readonly #guilty: ReadonlySet<string>
  readonly #waiting = new Map<string, HeldActor>()
  readonly #passed = new Set<string>()
  #over = false
  #messages = 0

  constructor(suspects: ReadonlyMap<string, number>, guilty: ReadonlySet<string>) {
    this.#suspects = suspects
    this.#guilty = guilty
  }

  /** How many messages wait. */
  get messages(): number {
    return this.#messages
  }

  /** Who is still suspected, and how much. */
  get left(): ReadonlyArray<readonly [actor: string, suspicion: number]> {
    return this.#over
      ? []
      : [...this.#suspects].filter(([actor]) => !this.#passed.has(actor) && !this.#guilty.has(actor))
  }

  /** Whether the mail of an actor waits. */
  holds(actor: string): boolean {
    if (this.#over || this.#passed.has(actor)) return false
    return this.#suspects.size === 0 || this.#suspects.has(actor)
  }

  add(actor: string, mail: Mail): void {
    const waiting = this.#waiting.get(actor) ?? { address: mail.to, mails: [] }
    this.#waiting.set(actor, waiting)
    waiting.mails.push(mail)
    this.#messages++
  }

  /** Whose mail waits, each with its oldest message. */
  get undone(): ReadonlyArray<readonly [actor: string, oldest: number]> {
    return Array.from(this.#waiting, ([actor, { mails }]) => [actor, mails[0]?.sequence ?? 0] as const)
  }

  /** Whether an actor is suspected so much that nobody else may be tested meanwhile: it is paused if the process ends. */
  isAlone(actor: string): boolean {
    return this.#suspicionOf(actor) >= ALONE
  }

  /** Who is to be tested next: the least suspected, and of those whose mail has waited longest. */
  next(): ReadonlyArray<string> {
    const free = [...this.#waiting.keys()].filter((actor) => !this.#guilty.has(actor))
    const least = free.reduce((lowest, actor) => Math.min(lowest, this.#suspicionOf(actor)), GUILTY - 1)
    return free.filter((actor) => this.#suspicionOf(actor) === least).slice(0, TOGETHER[least])
  }

  #suspicionOf(actor: string): number {
    return this.#suspects.get(actor) ?? 0
  }

  /** Lets an actor through. Gives its mail, in order. */
  pass(actor: string): ReadonlyArray<Mail> {
    const mails = this.#waiting.get(actor)?.mails ?? []
    this.#waiting.delete(actor)
    this.#passed.add(actor)
    this.#messages -= mails.length
    return mails
  }

  /** Nobody is tested any more. */
  end(): void {
    this.#over = true
  }
}
