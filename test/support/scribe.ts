// Journals written by the engine's own pieces, without a log: one message after the other.

import { CommitBuffer } from "../../runtime/engine/commit/commit-buffer.ts"
import { JournalWriter } from "../../runtime/engine/commit/journal-writer.ts"
import { type ActorState, applyStep, emptyActor } from "../../runtime/engine/step/actor-state.ts"
import { compile } from "../../runtime/engine/step/compiled.ts"
import { decideMail } from "../../runtime/engine/step/decide.ts"
import { park } from "../../runtime/engine/step/park.ts"
import { type Actor, addressOf, type Envelope, type Recording, type StepRecord } from "../../runtime/index.ts"
import { parseRecord, sealRecord } from "../../runtime/journal.ts"

const LIMITS = { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 }
/** Messages come a second apart. */
const SECOND = 1_000

/** What a test says of a message. */
export type Said = Partial<Extract<Envelope, { kind: "message" }>> & { readonly message: string }

type Kept = Recording["records"][number]

/** An actor with the id `a`, and what it writes into its journal. */
export class Scribe {
  readonly #actor: Actor
  readonly #compiled
  readonly #self
  readonly #core: ActorState
  readonly #recorder
  readonly #records: Array<Kept> = []
  readonly #mail: Array<Recording["mail"][number]> = []
  #sequence = 0

  constructor(actor: Actor) {
    this.#actor = actor
    this.#compiled = compile(actor)
    this.#self = addressOf(actor.definition.protocol, "a")
    this.#core = emptyActor(this.#compiled, this.#self)
    this.#recorder = new JournalWriter(this.#self, this.#compiled, { missed: () => {} })
  }

  /** Takes in messages, whose steps become one record. Gives their sequences. */
  take(...said: ReadonlyArray<Said | string | object>): ReadonlyArray<number> {
    const pending = new CommitBuffer()
    const sequences: Array<number> = []
    for (const each of said) {
      const sequence = ++this.#sequence
      sequences.push(sequence)
      const envelope = typeof each === "object" ? { kind: "message", body: {}, correlation: "c", ...each } : undefined
      const payload = envelope === undefined ? String(each) : JSON.stringify(envelope)
      const mail = { to: this.#self, shard: "any.0", sequence, time: sequence * SECOND, payload }
      this.#mail.push({ sequence, time: mail.time, payload })
      const verdict = decideMail(this.#compiled, this.#core, mail, LIMITS)
      if (verdict.kind === "nothing") continue
      if (verdict.kind === "newer") throw verdict.error
      const commit =
        verdict.kind === "commit" ? verdict : park(this.#compiled, this.#core, mail, verdict.failure, 1, LIMITS)
      applyStep(this.#compiled, this.#core, commit.step, commit.state)
      pending.add(mail, commit, { dueAt: () => 0, graceOf: () => undefined })
    }
    if (pending.steps.length > 0) this.#write(pending)
    return sequences
  }

  #write(pending: CommitBuffer): void {
    const entry = this.#recorder.record(this.#core, pending, LIMITS)
    const sequence = ++this.#sequence
    this.#recorder.stored(sequence)
    if (entry.truncate) this.#records.length = 0
    this.#records.push({ sequence, payload: entry.payload })
  }

  /** What is stored once all mail is removed. */
  get recording(): Recording {
    return { address: { type: this.#actor.type, id: "a" }, records: [...this.#records], mail: [] }
  }

  /** What is stored before that. */
  get unpurged(): Recording {
    return { ...this.recording, mail: [...this.#mail] }
  }
}

/** A recording in which one record says something else, under a checksum that is right. */
export const altered = (recording: Recording, index: number, change: (record: object) => object): Recording => ({
  ...recording,
  records: recording.records.map((each, at) =>
    at === index ? { ...each, payload: sealRecord(JSON.stringify(change(parseRecord(each.payload)))) } : each
  )
})

/** The same for its first step. */
export const alteredStep = (recording: Recording, index: number, change: (step: StepRecord) => object): Recording =>
  altered(recording, index, (record) => {
    const steps = "steps" in record && Array.isArray(record.steps) ? record.steps : []
    return { ...record, steps: steps.map((step, at) => (at === 0 ? change(step) : step)) }
  })
