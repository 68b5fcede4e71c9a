import type { Address } from "../address.ts"
import { parseRecord } from "../journal.ts"
import type { Entry, JournalRecord, LogLimits, Mail } from "../log.ts"
import type { Compiled } from "./compiled.ts"
import { applyRecord, applyStep, type Core, emptyCore, takeSnapshot } from "./core.ts"
import { answerAgain, decideMail } from "./decide.ts"
import { park } from "./park.ts"
import { addCommit, emptyPending, fits, isFull, type Pending } from "./pending.ts"
import type { Commit, OutgoingAnswer, Verdict } from "./verdict.ts"

/** What an activation needs of the node around it. */
export interface ActivationHost {
  readonly limits: LogLimits
  /** Whether the node's leases surely hold. While they may not, mail waits for `resume`. */
  readonly mayDecide: () => boolean
  /** Asks for the journal to be read and given to `recover`. */
  readonly load: (activation: Activation) => void
  /** There is something to commit. */
  readonly ready: (activation: Activation) => void
  /** The message stays in the mailbox, unprocessed: its actor cannot be recovered. */
  readonly setAside: (activation: Activation, mail: Mail) => void
  /** The effects of a message are in the journal, or it has none: it may be removed from the mailbox. */
  readonly done: (activation: Activation, mail: Mail) => void
  readonly answer: (answer: OutgoingAnswer) => void
  readonly startActivity: (activation: Activation, key: string) => void
  readonly stopActivity: (activation: Activation, key: string) => void
}

/**
 * One live actor: recovers, decides, runs ahead of its commits.
 *
 * It owns the actor's state in memory; the shard gives it mail, the committer takes its records. Nothing here waits.
 *
 *     loading --recover--> running --fenced, refused--> loading --fail--> failed;   any --abandon--> abandoned
 *
 * Invariants:
 * 1. Every mail given and not done is in exactly one of `queue`, `open.mails`, `flight.mails`, in order of sequence.
 * 2. `core` has the effects of all mail in `open` and `flight`, none of `queue`; what is in `flight` is in the journal
 *    or will be, or `core` is thrown away.
 * 3. Answers and activities leave only after the commit of all that was decided before them.
 */
export class Activation {
  readonly address: Address
  readonly compiled: Compiled
  readonly #host: ActivationHost
  #core: Core
  #phase: "loading" | "running" | "failed" | "abandoned" = "loading"
  #queue: Array<Mail> = []
  #open: Pending = emptyPending()
  #flight: Pending | undefined
  /** The sequence of the actor's last journal record; 0 for none. */
  #journalSequence = 0
  /** Records in the journal; every `snapshotEvery` of them a snapshot is due, which replaces them. */
  #recordsKept = 0
  #snapshotCharacters = 0
  /** Why messages that the log refused for good are to be parked, by sequence. */
  readonly #refused = new Map<number, Error>()
  /** After a refusal steps are committed one by one, until this sequence, to find the one at fault. */
  #singlyUntil = 0

  constructor(address: Address, compiled: Compiled, host: ActivationHost) {
    this.address = address
    this.compiled = compiled
    this.#host = host
    this.#core = emptyCore(compiled, address)
  }

  /** Nothing is waiting, being committed or running: it can be forgotten. */
  get idle(): boolean {
    return (
      this.#phase === "running" &&
      this.#queue.length === 0 &&
      this.#open.mails.length === 0 &&
      this.#flight === undefined &&
      this.#core.activities.size === 0
    )
  }

  /** What `takeGroup` would give now, snapshot aside. */
  get groupSize(): { readonly entries: number; readonly characters: number } {
    return {
      entries: this.#open.entries.length + 1,
      characters: this.#open.stepCharacters + this.#open.entryCharacters
    }
  }

  get core(): Core {
    return this.#core
  }

  receive(mail: Mail): void {
    if (this.#phase === "failed") return this.#host.setAside(this, mail)
    this.#queue.push(mail)
    if (this.#phase === "running") this.#drain()
  }

  /** Takes the journal, as read after `load`. Throws for a record that cannot be read or evolved. */
  recover(records: ReadonlyArray<JournalRecord>): void {
    const core = emptyCore(this.compiled, this.address)
    for (const { payload, sequence } of records) {
      const record = parseRecord(payload)
      applyRecord(this.compiled, core, record)
      this.#recordsKept = record.kept
      this.#journalSequence = sequence
    }
    if (records.length === 0) {
      this.#journalSequence = 0
      this.#recordsKept = 0
    }
    this.#core = core
    this.#phase = "running"
    for (const key of core.activities.keys()) this.#host.startActivity(this, key)
    this.#drain()
  }

  /** The entries of the next group of this actor, its record first; nothing if there is none or one is being committed. */
  takeGroup(): ReadonlyArray<Entry> | undefined {
    if (this.#phase !== "running" || this.#flight !== undefined || this.#open.steps.length === 0) return undefined
    const flight = this.#open
    this.#open = emptyPending()
    this.#flight = flight
    const due = (this.#recordsKept + 1) % this.compiled.snapshotEvery === 0
    const snapshot = due || this.#snapshotCharacters <= SMALL_CHARACTERS ? this.#snapshot(due) : undefined
    const truncate = due && snapshot !== undefined && !this.compiled.complete
    this.#recordsKept = truncate ? 1 : this.#recordsKept + 1
    const steps = `{"version":1,"kept":${this.#recordsKept},"steps":[${flight.steps.join(",")}]`
    const journal: Entry = {
      kind: "journal",
      owner: this.address,
      payload: snapshot === undefined ? `${steps}}` : `${steps},"snapshot":${snapshot}}`,
      expected: this.#journalSequence,
      snapshot: snapshot !== undefined,
      truncate
    }
    return [journal, ...flight.entries]
  }

  /** What was in flight is stored; its record has this sequence. */
  committed(sequence: number): void {
    const flight = this.#flight
    if (flight === undefined || this.#phase === "abandoned") return
    this.#flight = undefined
    this.#journalSequence = sequence
    for (const answer of flight.answers) this.#host.answer(answer)
    for (const key of flight.ended) this.#host.stopActivity(this, key)
    for (const [key, generation] of flight.started) {
      // Started anew by a step that is not committed yet, it waits for that.
      if (this.#core.activities.get(key)?.generation === generation) this.#host.startActivity(this, key)
    }
    for (const mail of flight.mails) this.#host.done(this, mail)
    this.#drain()
    if (this.#open.steps.length > 0) this.#host.ready(this)
  }

  /** What was in flight is not stored, or was stored before: everything is decided again from the journal. */
  reload(): void {
    if (this.#phase === "abandoned") return
    this.#queue = [...(this.#flight?.mails ?? []), ...this.#open.mails, ...this.#queue]
    this.#flight = undefined
    this.#open = emptyPending()
    this.#phase = "loading"
    this.#host.load(this)
  }

  /** The log refused what was in flight for good. The message at fault will be parked with this cause. */
  refuse(cause: Error): void {
    const flight = this.#flight
    // Messages without a step may be around it: they are not at fault.
    if (flight?.steps.length === 1) this.#refused.set(flight.stepSequence, cause)
    else if (flight !== undefined) this.#singlyUntil = flight.stepSequence
    this.reload()
  }

  /** The journal cannot be read. Its mail stays where it is until another activation can. */
  fail(): void {
    if (this.#phase === "abandoned") return
    this.#phase = "failed"
    for (const mail of this.#queue) this.#host.setAside(this, mail)
    this.#queue = []
  }

  /** The shard is not ours any more. What is in flight may still be stored; nobody is told. */
  abandon(): void {
    this.#phase = "abandoned"
  }

  /** The node may decide again. */
  resume(): void {
    if (this.#phase === "running") this.#drain()
  }

  #drain(): void {
    if (!this.#host.mayDecide()) return
    const before = this.#open.steps.length
    let taken = 0
    for (const mail of this.#queue) {
      if (isFull(this.#open)) break
      if (mail.sequence <= this.#singlyUntil && this.#open.steps.length > 0) break
      if (mail.sequence <= this.#core.consumed) this.#skip(mail)
      else if (!this.#decide(mail)) break
      taken++
    }
    if (taken > 0) this.#queue.splice(0, taken)
    if (this.#open.steps.length > before) this.#host.ready(this)
    else if (this.#flight === undefined && this.#open.steps.length === 0) this.#finishUnrecorded()
  }

  /** False if there is no room for what the message leads to: it stays in the queue and is decided again later. */
  #decide(mail: Mail): boolean {
    const verdict = this.#verdictOn(mail)
    if (verdict.kind === "nothing") {
      this.#open.mails.push(mail)
      for (const answer of verdict.answers) this.#open.answers.push(answer)
      return true
    }
    if (!fits(this.#open, verdict, this.#host.limits.groupEntriesMax)) return false
    this.#take(mail, verdict)
    return true
  }

  #verdictOn(mail: Mail): Verdict {
    const refused = this.#refused.get(mail.sequence)
    if (refused === undefined) return decideMail(this.compiled, this.#core, mail, this.#host.limits)
    this.#refused.delete(mail.sequence)
    return park(this.#core, mail, refused, this.#host.limits)
  }

  #take(mail: Mail, commit: Commit): void {
    applyStep(this.#core, commit.step, commit.state)
    addCommit(this.#open, mail, commit)
  }

  /** Its effects are in the journal already, but its asker may not have heard. */
  #skip(mail: Mail): void {
    this.#open.mails.push(mail)
    for (const answer of answerAgain(this.#core, mail)) this.#open.answers.push(answer)
  }

  /** Messages that had no effect wait for no commit of their own. */
  #finishUnrecorded(): void {
    const open = this.#open
    this.#open = emptyPending()
    for (const answer of open.answers) this.#host.answer(answer)
    for (const mail of open.mails) this.#host.done(this, mail)
  }

  /** The actor whole, if it fits beside the steps and is small or due. */
  #snapshot(due: boolean): string | undefined {
    const text = this.#encode()
    if (text === undefined) return undefined
    this.#snapshotCharacters = text.length
    if (!due && text.length > SMALL_CHARACTERS) return undefined
    const fitsBeside = Buffer.byteLength(text) + this.#flight!.stepCharacters * 3 < this.#host.limits.payloadBytesMax
    return fitsBeside ? text : undefined
  }

  /** A state that does not fit its schema cannot be a snapshot, but its steps can still be stored. */
  #encode(): string | undefined {
    try {
      return JSON.stringify(takeSnapshot(this.compiled, this.#core))
    } catch {
      return undefined
    }
  }
}

/** An actor no larger than this, in characters, goes whole into each of its records: it is then recovered by reading one. */
const SMALL_CHARACTERS = 1_024
