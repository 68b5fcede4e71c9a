import { type Address, formatAddress } from "../../address.ts"
import type { Entry, JournalRecord, Mail } from "../../log.ts"
import { afterCommit } from "../commit/after-commit.ts"
import { CommitBuffer, type Size } from "../commit/commit-buffer.ts"
import { JournalWriter } from "../commit/journal-writer.ts"
import { PoisonFinder } from "../commit/poison-finder.ts"
import { type ActorState, applyStep, emptyActor } from "../step/actor-state.ts"
import type { Compiled } from "../step/compiled.ts"
import { answerAgain, decideMail } from "../step/decide.ts"
import type { Commit } from "../step/decision.ts"
import type { StepFailure } from "../step/failure.ts"
import { park } from "../step/park.ts"
import { Abandoned, type ActivationState, Loading, Running } from "./activation-state.ts"
import type { Collaborators, MailLedger } from "./collaborators.ts"
import { type Backlog, Mailbox } from "./mailbox.ts"
import { RESTART_POLL_MILLIS, Retries } from "./retries.ts"

/**
 * One live actor: recovers, decides, runs ahead of its commits.
 *
 * It owns the actor's state in memory; the shard gives it mail, the committer takes its records. Nothing here waits.
 *
 *     loading --recover--> running --fenced, refused, restart--> loading;   any --abandon--> abandoned
 *     any --shut--> its mail stays in the log --reopen--> loading
 * Invariants:
 * 1. Every mail given and not done is in exactly one of `mailbox`, `open.mails`, `flight.mails`, in order of sequence.
 * 2. `actor` has the effects of all mail in `open` and `flight`, none of `mailbox`; what is in `flight` is in the journal
 *    or will be, or `actor` is thrown away.
 * 3. Answers and activities leave only after the commit of all that was decided before them.
 */
export class Activation {
  readonly address: Address
  readonly compiled: Compiled
  readonly #with: Collaborators<Activation>
  readonly #ledger: MailLedger<Activation>
  readonly #mailbox: Mailbox
  readonly #writer: JournalWriter
  #state: ActivationState
  /** No mail is taken: the journal cannot be read, or not by this process. */
  #shut = false
  /** The type's limits did not let it in. It is resumed when they do. */
  #barred = false
  readonly #retries: Retries
  readonly #poison = new PoisonFinder()
  /** When it last got a message, in milliseconds by the node's clock. */
  lastUsed: number

  constructor(
    address: Address,
    compiled: Compiled,
    collaborators: Collaborators<Activation>,
    ledger: MailLedger<Activation>,
    backlog?: Backlog
  ) {
    this.address = address
    this.compiled = compiled
    this.#with = collaborators
    this.#ledger = ledger
    this.#state = new Loading(emptyActor(compiled, address))
    this.#writer = new JournalWriter(address, compiled, collaborators.snapshots)
    this.#mailbox = new Mailbox(backlog)
    this.#retries = new Retries(compiled)
    this.lastUsed = collaborators.clock.now()
  }

  /** Nothing is waiting, being committed or running: it can be forgotten. */
  get idle(): boolean {
    const { phase, isUndone, actor } = this.#state
    return phase === "running" && !isUndone && actor.activities.size === 0 && this.#mailbox.waiting === 0
  }

  /** The oldest message that is not done: in memory, or set aside. */
  get oldest(): number | undefined {
    return this.#state.oldest ?? this.#mailbox.oldest // invariant 1
  }

  /** Some of its mail is only in the log, or was read from there again and is not done. */
  get behind(): boolean {
    return this.#mailbox.behind
  }

  /** About how much memory it takes, in bytes, without its mail. */
  get weight(): number {
    return this.#writer.weight
  }

  /** What `takeGroup` would give now, snapshot aside. */
  get groupSize(): Size {
    return this.#state.groupSize
  }

  get core(): ActorState {
    return this.#state.actor
  }

  /** For some time nothing more can be decided. */
  get #stuck(): boolean {
    return this.#state.phase !== "running" || this.#retries.waiting || this.#barred
  }

  /** It takes no mail: what comes stays in the log. */
  get #halted(): boolean {
    return this.#shut || this.#with.pauses.isPaused(this.address)
  }

  receive(mail: Mail): void {
    this.lastUsed = this.#with.clock.now()
    if (!this.#mailbox.offer(mail, this.#halted)) this.#ledger.setAside(this, mail, false)
    this.#drain()
    const { waiting } = this.#mailbox
    if (waiting > this.compiled.mailboxMax) this.#with.crowding.crowded(formatAddress(this.address), waiting)
  }

  /** Takes what was read of the backlog; nothing, if it is not in the log any more. */
  refill(mails: ReadonlyArray<Mail>): void {
    if (this.#state.phase === "abandoned") return
    if (this.#halted) return this.#mailbox.forgetReading()
    this.#ledger.reopened(mails.slice(0, this.#mailbox.refill(mails)))
    this.#drain()
  }

  /** Takes the journal, as read after `load`. Throws for a record that cannot be read or evolved, or is too new. */
  recover(records: ReadonlyArray<JournalRecord>): void {
    this.#state = new Running(this.#with.watchdog.deciding(this.address, undefined, () => this.#writer.read(records)))
    for (const key of this.core.activities.keys()) this.#with.effects.activities.start(this, key)
    if (this.core.activities.size > 0) this.#ledger.began(this)
    this.#drain()
  }

  /** The entries of the next group of this actor, its record first; nothing if there is none or one is being committed. */
  takeGroup(): ReadonlyArray<Entry> | undefined {
    const state = this.#state
    const flight = state.phase === "running" ? state.takeFlight() : undefined
    return flight?.groupOf(this.#writer.record(state.actor, flight, this.#with.limits))
  }

  /** What was in flight is stored; its record has this sequence. */
  committed(sequence: number): void {
    const state = this.#state
    if (state.phase !== "running" || state.flight === undefined) return
    const { flight } = state
    state.flight = undefined
    this.#writer.stored(sequence)
    if (afterCommit(this, flight, this.#with.effects)) this.#ledger.began(this) // invariant 3
    this.#finish(flight.mails)
    this.#drain()
    if (state.open.steps.length > 0) this.#with.committer.add(this)
  }

  /** What was in flight is not stored, or was stored before: everything is decided again from the journal. */
  reload(): void {
    const state = this.#state
    if (state.phase === "abandoned") return
    this.#mailbox.unshift(state.decided) // invariants 1 and 2
    this.#state = new Loading(state.actor)
    if (this.#halted) this.#leaveInLog()
    this.#with.reader.journal(this)
  }

  /** The log refused what was in flight for good. The message at fault will be parked with this cause. */
  refuse(cause: Error): void {
    const { flight } = this.#state
    if (flight !== undefined && !this.#poison.add(flight, cause)) this.#with.quarantine.giveUp(this, cause)
    this.reload()
  }

  /** Takes no more mail; what waits stays in the log. What is decided already is still committed. False if it was so before. */
  shut(): boolean {
    if (this.#shut || this.#state.phase === "abandoned") return false
    this.#shut = true
    this.#leaveInLog()
    return true
  }

  /** Tries again. */
  reopen(): void {
    if (!this.#shut || this.#state.phase === "abandoned") return
    this.#shut = false
    if (this.#state.phase === "running") this.#drain()
    else this.#with.reader.journal(this)
  }

  /** The shard is not ours any more. What is in flight may still be stored; nobody is told. */
  abandon(): void {
    this.#state = new Abandoned(this.core)
  }

  /** The node may decide again, the type's limits let it in, or the actor is paused no longer, or paused now. */
  resume(): void {
    this.#barred = false
    if (this.#state.phase !== "abandoned" && this.#with.pauses.isPaused(this.address)) this.#leaveInLog()
    else this.#drain()
  }

  /** Memory is short: what waits and cannot be decided now stays in the log; not the little that waits for a journal to be read. */
  shed(): void {
    if (this.#state.phase === "loading" && !this.#halted && this.#mailbox.isShort) return
    if (this.#state.phase !== "abandoned" && this.#stuck) this.#leaveInLog()
  }

  #drain(): void {
    const state = this.#state
    if (state.phase !== "running") return
    const before = state.open.steps.length
    if (!this.#halted && !this.#retries.waiting && this.#with.right.mayDecide()) this.#decideWaiting(state)
    if (state.open.steps.length > before) this.#with.committer.add(this)
    else if (state.flight === undefined && state.open.steps.length === 0) this.#finishUnrecorded(state)
    this.#readBacklog()
  }

  #decideWaiting(state: Running): void {
    const { actor, open } = state
    let taken = 0
    for (const mail of this.#mailbox.queue) {
      if (open.isFull || (this.#poison.standsAlone(mail) && open.steps.length > 0)) break
      // Its effects are in the journal already, but its asker may not have heard.
      if (mail.sequence <= actor.consumed)
        open.addAnswers(mail, answerAgain(this.compiled, actor, mail, this.#with.limits))
      else if (!this.#decide(state, mail)) break
      taken++
    }
    this.#mailbox.shift(taken)
  }

  /** False if the message cannot be decided yet: it stays in the mailbox. */
  #decide(state: Running, mail: Mail): boolean {
    this.#barred = !this.#with.limiter.admit(this)
    if (this.#barred) return false
    const refused = this.#poison.causeOf(mail)
    const taken = refused === undefined ? this.#act(state, mail) : this.#park(state, mail, refused, 1)
    // A try that failed is one of the type's rate; a message that did not fit is decided again.
    if (taken || this.#retries.waiting) this.#with.limiter.spend(this)
    return taken
  }

  #act(state: Running, mail: Mail): boolean {
    const { limits, watchdog, quarantine } = this.#with
    const decision = watchdog.deciding(this.address, mail, () => decideMail(this.compiled, state.actor, mail, limits))
    if (decision.kind === "commit") return this.#take(state, mail, decision)
    if (decision.kind === "failed") return this.#fail(state, mail, decision.failure)
    if (decision.kind === "nothing") state.open.addAnswers(mail, decision.answers)
    else quarantine.tooOld(this, decision.error)
    return decision.kind === "nothing"
  }

  /** Invariant 2. */
  #take({ actor, open }: Running, mail: Mail, commit: Commit): boolean {
    if (!open.fits(commit, this.#with.limits.groupEntriesMax)) return false
    applyStep(this.compiled, actor, commit.step, commit.state)
    open.add(mail, commit, this.#with.timing)
    return true
  }

  #fail(state: Running, mail: Mail, failure: StepFailure): boolean {
    const millis = this.#retries.failed(mail, failure)
    if (millis === undefined) return this.#park(state, mail, failure, this.#retries.attempts)
    this.#with.clock.later(millis, () => this.#restart())
    return false
  }

  #park(state: Running, mail: Mail, failure: StepFailure, attempts: number): boolean {
    return this.#take(state, mail, park(this.compiled, state.actor, mail, failure, attempts, this.#with.limits))
  }

  /** The actor is read anew from its journal once what it had decided is stored. */
  #restart(): void {
    if (this.#state.isUndone) return this.#with.clock.later(RESTART_POLL_MILLIS, () => this.#restart())
    this.#retries.again()
    if (this.#state.phase === "running") this.reload() // otherwise it is being read already
  }

  /** Messages that had no effect wait for no commit of their own. */
  #finishUnrecorded(state: Running): void {
    const { answers, mails } = state.open
    state.open = new CommitBuffer()
    for (const { inbox, payload } of answers) this.#with.effects.replies.answer(inbox, payload)
    this.#finish(mails)
  }

  #finish(mails: ReadonlyArray<Mail>): void {
    this.#poison.done(mails)
    for (const mail of mails) this.#ledger.done(this, mail, this.#mailbox.wasReread(mail))
    this.#rest()
  }

  #leaveInLog(): void {
    for (const mail of this.#mailbox.setAllAside()) this.#ledger.setAside(this, mail, this.#mailbox.wasReread(mail))
    this.#rest()
  }

  /** An actor that is paused or cannot go on takes nobody's place, also where an activity of it is open. */
  #rest(): void {
    if (!this.#state.isUndone && (this.core.activities.size === 0 || this.#halted)) this.#with.limiter.rested(this)
  }

  #readBacklog(): void {
    const from = this.#halted || this.#stuck ? undefined : this.#mailbox.beginReading()
    if (from !== undefined) this.#with.reader.mail(this, from)
  }
}
