import type { Address } from "../../address.ts"
import type { Entry, JournalRecord, Mail } from "../../log.ts"
import { afterCommit } from "../commit/after-commit.ts"
import { CommitBuffer, type Size } from "../commit/commit-buffer.ts"
import { JournalWriter } from "../commit/journal-writer.ts"
import { PoisonFinder } from "../commit/poison-finder.ts"
import { type ActorState, applyStep, emptyActor } from "../step/actor-state.ts"
import type { Compiled } from "../step/compiled.ts"
import { answerAgain, decideMail } from "../step/decide.ts"
import type { Commit, OutgoingAnswer } from "../step/decision.ts"
import type { StepFailure } from "../step/failure.ts"
import { park } from "../step/park.ts"
import type { ActivationHost } from "./host.ts"
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
 * 2. `core` has the effects of all mail in `open` and `flight`, none of `mailbox`; what is in `flight` is in the journal
 *    or will be, or `core` is thrown away.
 * 3. Answers and activities leave only after the commit of all that was decided before them.
 */
export class Activation {
  readonly address: Address
  readonly compiled: Compiled
  readonly #host: ActivationHost<Activation>
  readonly #mailbox: Mailbox
  readonly #writer: JournalWriter
  #core: ActorState
  #phase: "loading" | "running" | "abandoned" = "loading"
  /** No mail is taken: the journal cannot be read, or not by this process. */
  #shut = false
  #open: CommitBuffer = new CommitBuffer()
  #flight: CommitBuffer | undefined
  /** The type's limits did not let it in. It is resumed when they do. */
  #barred = false
  readonly #retries: Retries
  readonly #poison = new PoisonFinder()
  /** When it last got a message, in milliseconds by the host's clock. */
  lastUsed: number

  constructor(address: Address, compiled: Compiled, host: ActivationHost<Activation>, backlog?: Backlog) {
    this.address = address
    this.compiled = compiled
    this.#host = host
    this.#core = emptyActor(compiled, address)
    this.#writer = new JournalWriter(address, compiled)
    this.#mailbox = new Mailbox(backlog)
    this.#retries = new Retries(compiled)
    this.lastUsed = host.now()
  }

  /** Nothing is waiting, being committed or running: it can be forgotten. */
  get idle(): boolean {
    return this.#phase === "running" && !this.#undone && this.#core.activities.size === 0 && this.#mailbox.waiting === 0
  }

  /** The oldest message that is not done: in memory, or set aside. */
  get oldest(): number | undefined {
    return this.#flight?.mails[0]?.sequence ?? this.#open.mails[0]?.sequence ?? this.#mailbox.oldest
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
    return this.#open.size
  }

  get core(): ActorState {
    return this.#core
  }

  /** Something is decided and not stored or answered. */
  get #undone(): boolean {
    return this.#open.mails.length > 0 || this.#flight !== undefined
  }

  /** For some time nothing more can be decided. */
  get #stuck(): boolean {
    return this.#phase !== "running" || this.#retries.waiting || this.#barred
  }

  /** It takes no mail: what comes stays in the log. */
  get #halted(): boolean {
    return this.#shut || this.#host.paused(this.address)
  }

  receive(mail: Mail): void {
    this.lastUsed = this.#host.now()
    if (!this.#mailbox.offer(mail, this.#halted)) this.#host.setAside(this, mail, false)
    if (this.#phase === "running") this.#drain()
    if (this.#mailbox.waiting > this.compiled.mailboxMax) this.#host.crowded(this, this.#mailbox.waiting)
  }

  /** Takes what was read of the backlog; nothing, if it is not in the log any more. */
  refill(mails: ReadonlyArray<Mail>): void {
    if (this.#phase === "abandoned") return
    if (this.#halted) return this.#mailbox.forgetReading()
    this.#host.reopened(mails.slice(0, this.#mailbox.refill(mails)))
    if (this.#phase === "running") this.#drain()
  }

  /** Takes the journal, as read after `load`. Throws for a record that cannot be read or evolved, or is too new. */
  recover(records: ReadonlyArray<JournalRecord>): void {
    this.#core = this.#host.deciding(this, undefined, () => this.#writer.read(records))
    this.#phase = "running"
    for (const key of this.#core.activities.keys()) this.#host.startActivity(this, key)
    this.#drain()
  }

  /** The entries of the next group of this actor, its record first; nothing if there is none or one is being committed. */
  takeGroup(): ReadonlyArray<Entry> | undefined {
    if (this.#phase !== "running" || this.#flight !== undefined || this.#open.steps.length === 0) return undefined
    this.#flight = this.#open
    this.#open = new CommitBuffer()
    return this.#flight.groupOf(this.#writer.record(this.#core, this.#flight, this.#host.limits))
  }

  /** What was in flight is stored; its record has this sequence. */
  committed(sequence: number): void {
    const flight = this.#flight
    if (flight === undefined || this.#phase === "abandoned") return
    this.#flight = undefined
    this.#writer.stored(sequence)
    afterCommit(this, flight, this.#host)
    this.#finish(flight.mails)
    this.#drain()
    if (this.#open.steps.length > 0) this.#host.ready(this)
  }

  /** What was in flight is not stored, or was stored before: everything is decided again from the journal. */
  reload(): void {
    if (this.#phase === "abandoned") return
    this.#mailbox.unshift([...(this.#flight?.mails ?? []), ...this.#open.mails])
    this.#flight = undefined
    this.#open = new CommitBuffer()
    this.#phase = "loading"
    if (this.#halted) this.#leaveInLog()
    this.#host.load(this)
  }

  /** The log refused what was in flight for good. The message at fault will be parked with this cause. */
  refuse(cause: Error): void {
    if (this.#flight !== undefined && !this.#poison.add(this.#flight, cause)) this.#host.giveUp(this, cause)
    this.reload()
  }

  /** Takes no more mail; what waits stays in the log. What is decided already is still committed. False if it was so before. */
  shut(): boolean {
    if (this.#shut || this.#phase === "abandoned") return false
    this.#shut = true
    this.#leaveInLog()
    return true
  }

  /** Tries again. */
  reopen(): void {
    if (!this.#shut || this.#phase === "abandoned") return
    this.#shut = false
    if (this.#phase === "running") this.#drain()
    else this.#host.load(this)
  }

  /** The shard is not ours any more. What is in flight may still be stored; nobody is told. */
  abandon(): void {
    this.#phase = "abandoned"
  }

  /** The node may decide again, the type's limits let it in, or the actor is paused no longer, or paused now. */
  resume(): void {
    this.#barred = false
    if (this.#phase !== "abandoned" && this.#host.paused(this.address)) this.#leaveInLog()
    else if (this.#phase === "running") this.#drain()
  }

  /** Memory is short: what waits and cannot be decided now stays in the log; not the little that waits for a journal to be read. */
  shed(): void {
    if (this.#phase === "loading" && !this.#halted && this.#mailbox.isShort) return
    if (this.#phase !== "abandoned" && this.#stuck) this.#leaveInLog()
  }

  #drain(): void {
    const before = this.#open.steps.length
    if (!this.#halted && !this.#retries.waiting && this.#host.mayDecide()) this.#decideWaiting()
    if (this.#open.steps.length > before) this.#host.ready(this)
    else if (this.#flight === undefined && this.#open.steps.length === 0) this.#finishUnrecorded()
    this.#readBacklog()
  }

  #decideWaiting(): void {
    const { limits } = this.#host
    let taken = 0
    for (const mail of this.#mailbox.queue) {
      if (this.#open.isFull || (this.#poison.standsAlone(mail) && this.#open.steps.length > 0)) break
      // Its effects are in the journal already, but its asker may not have heard.
      if (mail.sequence <= this.#core.consumed) this.#answer(mail, answerAgain(this.compiled, this.#core, mail, limits))
      else if (!this.#decide(mail)) break
      taken++
    }
    this.#mailbox.shift(taken)
  }

  /** False if the message cannot be decided yet: it stays in the mailbox. */
  #decide(mail: Mail): boolean {
    this.#barred = !this.#host.admit(this)
    if (this.#barred) return false
    const refused = this.#poison.causeOf(mail)
    const taken = refused === undefined ? this.#act(mail) : this.#park(mail, refused, 1)
    // A try that failed is one of the type's rate; a message that did not fit is decided again.
    if (taken || this.#retries.waiting) this.#host.decided(this)
    return taken
  }

  #act(mail: Mail): boolean {
    const { limits, deciding } = this.#host
    const verdict = deciding(this, mail, () => decideMail(this.compiled, this.#core, mail, limits))
    if (verdict.kind === "nothing") return this.#answer(mail, verdict.answers)
    if (verdict.kind === "commit") return this.#take(mail, verdict)
    if (verdict.kind === "newer") this.#host.tooOld(this, verdict.error)
    return verdict.kind === "failed" && this.#fail(mail, verdict.failure)
  }

  #take(mail: Mail, commit: Commit): boolean {
    if (!this.#open.fits(commit, this.#host.limits.groupEntriesMax)) return false
    applyStep(this.compiled, this.#core, commit.step, commit.state)
    this.#open.add(mail, commit, this.#host.timing)
    return true
  }

  #fail(mail: Mail, failure: StepFailure): boolean {
    const millis = this.#retries.failed(mail, failure)
    if (millis === undefined) return this.#park(mail, failure, this.#retries.attempts)
    this.#host.later(millis, () => this.#restart())
    return false
  }

  #park(mail: Mail, failure: StepFailure, attempts: number): boolean {
    return this.#take(mail, park(this.compiled, this.#core, mail, failure, attempts, this.#host.limits))
  }

  /** The actor is read anew from its journal once what it had decided is stored. */
  #restart(): void {
    if (this.#phase === "running" && this.#undone) return this.#host.later(RESTART_POLL_MILLIS, () => this.#restart())
    this.#retries.again()
    if (this.#phase === "running") this.reload() // otherwise it is being read already
  }

  /** A message without a step: its answers tell of what was decided before it. */
  #answer(mail: Mail, answers: ReadonlyArray<OutgoingAnswer>): true {
    this.#open.addAnswers(mail, answers)
    return true
  }

  /** Messages that had no effect wait for no commit of their own. */
  #finishUnrecorded(): void {
    const { answers, mails } = this.#open
    this.#open = new CommitBuffer()
    for (const answer of answers) this.#host.answer(answer)
    this.#finish(mails)
  }

  #finish(mails: ReadonlyArray<Mail>): void {
    this.#poison.done(mails)
    for (const mail of mails) this.#host.done(this, mail, this.#mailbox.wasReread(mail))
    this.#rest()
  }

  #leaveInLog(): void {
    for (const mail of this.#mailbox.setAllAside()) this.#host.setAside(this, mail, this.#mailbox.wasReread(mail))
    this.#rest()
  }

  /** An actor that is paused or cannot go on takes nobody's place, also where an activity of it is open. */
  #rest(): void {
    if (!this.#undone && (this.#core.activities.size === 0 || this.#halted)) this.#host.rested(this)
  }

  #readBacklog(): void {
    if (this.#halted || this.#stuck) return
    const from = this.#mailbox.beginReading()
    if (from !== undefined) this.#host.readMail(this, from)
  }
}
