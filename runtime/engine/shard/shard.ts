import { Effect, Schedule } from "effect"
import { type Address, formatAddress } from "../../address.ts"
import type { Mail } from "../../log.ts"
import { Activation } from "../actor/activation.ts"
import type { MailLedger } from "../actor/collaborators.ts"
import { type Backlog, extended } from "../actor/mailbox.ts"
import type { Probation } from "../recovery/probation.ts"
import type { Undone } from "./aside.ts"
import type { ShardCollaborators as CollaboratorsOf, ShardProgress } from "./collaborators.ts"
import { Foreign } from "./foreign.ts"
import { MailProgress } from "./progress.ts"
import { laneOf } from "./serving.ts"

export type ShardCollaborators = CollaboratorsOf<Shard>

const DRAIN_POLL = "5 millis"
const REVIEW_MILLIS = 10_000
/** How long a shard that is given back waits for its actors to commit what they decided. */
const DRAIN_TIMEOUT = "5 seconds"

/**
 * One owned shard: its live actors, and how far its mail is done.
 *
 * Invariants:
 * 1. Each mail is given to its actor once, in order, while the shard is owned; or it is set aside, and read again later.
 * 2. `doneUpTo` never passes a mail whose effects are not in the journal.
 * 3. An actor has an activation, or mail of it is held, or neither; never both.
 * 4. Nor does it pass the mail that began an activity that is open: it brings the actor to life at the next owner, who starts
 *    the activity again.
 * 5. Nor mail of a type that is not served here, before the holder of that type's lane has said that it is done.
 */
export class Shard {
  readonly name: string
  /** Types that are not served here although the node has them. */
  readonly excluded: ReadonlySet<string>
  readonly #with: ShardCollaborators
  readonly #ledger: MailLedger<Activation>
  readonly #activations = new Map<string, Activation>()
  /** Activations with mail that is only in the log. */
  readonly #behind = new Set<Activation>()
  /** Activations that may have open activities. */
  readonly #active = new Set<Activation>()
  /** Mail of actors that are paused and not in memory. */
  readonly #held = new Map<string, { readonly address: Address; readonly backlog: Backlog }>()
  /** Mail that is left to whoever holds the lane of its type, by type. */
  readonly #foreign = new Foreign()
  readonly #progress = new MailProgress()
  #probation: Probation | undefined
  /** Messages in memory that had been set aside. */
  #reread = 0
  /** Of all that is open. */
  #characters = 0
  #serving = true
  #followed = false
  #reviewing = false

  constructor(name: string, collaborators: ShardCollaborators, excluded: ReadonlySet<string> = new Set()) {
    this.name = name
    this.excluded = excluded
    this.#with = collaborators
    this.#ledger = {
      done: (activation, mail, reread) => {
        collaborators.pausing.went(mail.to)
        collaborators.meter.processed(mail)
        this.#closed(mail, reread)
        if (reread && !activation.behind) this.#behind.delete(activation)
      },
      setAside: (activation, mail, reread) => {
        this.#behind.add(activation)
        this.#closed(mail, reread)
      },
      reopened: (mails) => {
        this.#reread += mails.length
        for (const { payload } of mails) this.#opened(payload)
      },
      began: (activation) => void this.#active.add(activation)
    }
    collaborators.served.add(this)
  }

  get progress(): ShardProgress {
    let oldest = this.#progress.oldestOpen ?? Number.POSITIVE_INFINITY
    for (const activation of this.#behind) oldest = Math.min(oldest, activation.oldest ?? oldest)
    for (const { backlog } of this.#held.values()) oldest = Math.min(oldest, backlog.from)
    oldest = Math.min(oldest, this.#oldestActivity())
    for (const [, from] of this.#foreign.undone(this.#doneInLane)) oldest = Math.min(oldest, from)
    const { lastDelivered, doneUpTo } = this.#progress
    return {
      lastDelivered,
      oldestOpen: oldest === Number.POSITIVE_INFINITY ? undefined : oldest,
      doneUpTo: Math.min(doneUpTo, oldest - 1),
      open: this.#progress.open + this.#reread
    }
  }

  readonly #doneInLane = (type: string): number => this.#with.watermarks.of(laneOf(this.name, type))

  /** Invariant 4. */
  #oldestActivity(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const activation of this.#active) {
      const { activities } = activation.core
      if (activities.size === 0) this.#active.delete(activation)
      for (const { generation } of activities.values()) oldest = Math.min(oldest, generation)
    }
    return oldest
  }

  /** Whether it takes mail. */
  get serving(): boolean {
    return this.#serving
  }

  /** Its actors are tested before they get mail: from the first on. False if it is too late for that. */
  test(probation: Probation): boolean {
    if (!this.#serving || this.#progress.lastDelivered > 0) return false
    this.#probation = probation
    return true
  }

  /** Gives an actor the mail that waited for its test. Gives the sequence of the last of it. */
  pass(actor: string): number {
    const mails = this.#probation?.pass(actor) ?? []
    if (this.#serving) for (const mail of mails) this.#give(actor, mail)
    return mails.at(-1)?.sequence ?? 0
  }

  /** Whether nothing of an actor is undone up to a sequence, or nothing can be done of it. */
  isDone(actor: string, sequence: number): boolean {
    const oldest = this.#activations.get(actor)?.oldest
    return oldest === undefined || oldest > sequence
  }

  /** Whose mail is not done: every message that is not belongs to one of them. */
  get undone(): ReadonlyArray<Undone> {
    const undone = [...this.#foreign.undone(this.#doneInLane), ...(this.#probation?.undone ?? [])]
    for (const [key, { backlog }] of this.#held) undone.push([key, backlog.from])
    for (const [key, { oldest, core }] of this.#activations) {
      let from = oldest ?? Number.POSITIVE_INFINITY
      for (const { generation } of core.activities.values()) from = Math.min(from, generation)
      if (from < Number.POSITIVE_INFINITY) undone.push([key, from])
    }
    return undone
  }

  /** How many of its actors are in memory. */
  get residents(): number {
    return this.#activations.size
  }

  /** Whether the node's tail reads this shard's mail: only then does what the tail has passed say anything of it. */
  get followed(): boolean {
    return this.#followed
  }

  /** The node's tail reads this shard's mail from now on, from after the sequence that it returns. */
  follow(): number {
    this.#followed = this.#serving
    return this.#progress.lastDelivered
  }

  deliver(mail: Mail): void {
    if (!this.#serving || mail.sequence <= this.#progress.lastDelivered) return
    if (this.#isForeign(mail)) return this.#leave(mail)
    this.#progress.delivered(mail.sequence)
    this.#with.timers.met(mail)
    this.#opened(mail.payload)
    const key = formatAddress(mail.to)
    if (this.#probation?.holds(key) === true) return this.#probation.add(key, mail)
    this.#give(key, mail)
  }

  #give(key: string, mail: Mail): void {
    if (this.#with.activations.pauses.isPaused(mail.to)) this.#with.pausing.tell(mail)
    const activation = this.#activations.get(key) ?? this.#activate(key, mail.to)
    if (activation !== undefined) return activation.receive(mail)
    this.#held.set(key, { address: mail.to, backlog: extended(this.#held.get(key)?.backlog, mail) })
    this.#closed(mail, false)
    this.#reviewLater()
  }

  #isForeign({ to: { type } }: Mail): boolean {
    return this.excluded.has(type) || !this.#with.types.has(type)
  }

  /** Invariant 5. */
  #leave(mail: Mail): void {
    this.#progress.passed(mail.sequence)
    this.#foreign.add(mail)
    if (!this.excluded.has(mail.to.type)) this.#with.unserved.met(mail)
  }

  /** Takes no more mail and lets actors finish what they have, so that the next owner finds nothing half done. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    this.#serving = false
    this.#followed = false
    // What is not decided yet, the next owner decides.
    for (const activation of this.#activations.values()) activation.shut()
    return Effect.sync(() => this.#progress.open + this.#reread === (this.#probation?.messages ?? 0)).pipe(
      Effect.repeat({ until: (finished) => finished, schedule: Schedule.spaced(DRAIN_POLL) }),
      Effect.timeoutOption(DRAIN_TIMEOUT),
      Effect.asVoid
    )
  })

  /** Gives up all activations at once. What they had not committed, the next owner does. */
  drop(): void {
    this.#serving = false
    this.#with.served.delete(this)
    // First all: where one makes room, another one that waits would go on.
    for (const activation of this.#activations.values()) activation.abandon()
    for (const activation of this.#activations.values()) this.#with.cache.forget(activation)
    this.#activations.clear()
    this.#held.clear()
    this.#behind.clear()
    this.#active.clear()
    this.#with.flow.closed(this.#progress.open + this.#reread, this.#characters)
    this.#reread = 0
    this.#characters = 0
  }

  /** The node may decide again: what waited goes on. */
  resume(): void {
    for (const activation of this.#activations.values()) activation.resume()
  }

  /** Memory is short: who can do nothing now leaves its mail in the log. */
  shed(): void {
    for (const activation of this.#activations.values()) activation.shed()
  }

  /** Something is paused, or no longer. */
  review(): void {
    if (!this.#serving) return
    for (const activation of this.#activations.values()) {
      if (!this.#with.activations.pauses.isPaused(activation.address)) activation.reopen()
      activation.resume()
    }
    for (const [key, { address }] of this.#held)
      if (!this.#with.activations.pauses.isPaused(address)) this.#activate(key, address)
  }

  /** An actor that waits for another node to take the shard is not forgotten if that does not happen. */
  #reviewLater(): void {
    if (this.#reviewing) return
    this.#reviewing = true
    this.#with.activations.clock.later(REVIEW_MILLIS, () => {
      this.#reviewing = false
      this.review()
      if (this.#held.size > 0) this.#reviewLater()
    })
  }

  /** Nothing, if the actor is to wait: it is paused, or another node should have it. */
  #activate(key: string, address: Address): Activation | undefined {
    if (this.#with.activations.pauses.isPaused(address)) return undefined
    const compiled = this.#with.types.get(address.type)
    if (compiled === undefined) return undefined
    const activation = new Activation(
      address,
      compiled,
      this.#with.activations,
      this.#ledger,
      this.#held.get(key)?.backlog
    )
    if (this.#held.delete(key)) this.#behind.add(activation)
    this.#activations.set(key, activation)
    this.#with.cache.add(activation, () => this.#passivate(key, activation))
    this.#with.activations.reader.journal(activation)
    return activation
  }

  /** Forgets an actor that does nothing. False if it does. */
  #passivate(key: string, activation: Activation): boolean {
    if (!activation.idle) return false
    this.#activations.delete(key)
    this.#behind.delete(activation)
    this.#active.delete(activation)
    this.#with.cache.forget(activation)
    return true
  }

  #closed(mail: Mail, reread: boolean): void {
    if (reread) this.#reread--
    else this.#progress.done(mail.sequence)
    this.#characters -= mail.payload.length
    this.#with.flow.closed(1, mail.payload.length)
  }

  #opened({ length }: string): void {
    this.#characters += length
    this.#with.flow.opened(1, length)
  }
}
