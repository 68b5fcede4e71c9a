import type { Actor } from "../actor.ts"
import { type Address, ANY_ROLE } from "../address.ts"
import { type ActorState, applyRecord, applyStep, emptyActor, evolveAll } from "../engine/step/actor-state.ts"
import { type Compiled, compile } from "../engine/step/compiled.ts"
import { type Envelope, parseEnvelope } from "../envelope.ts"
import { NewerVersion } from "../errors.ts"
import { type CommitRecord, parseRecord, type StepRecord } from "../journal.ts"
import type { Mail } from "../log.ts"
import { addressOf } from "../protocol.ts"
import { type Checked, decideAgain, type ReplayVerdict, snapshotDeviations } from "./check.ts"
import { type Difference, differenceOf } from "./difference.ts"
import { effectsIn, effectsOf, type ReplayedEffect } from "./effects.ts"
import type { Recording } from "./recording.ts"

/** Where the story begins: with the actor's first message, or with a snapshot that took the place of what was before it. */
export interface ReplayStart {
  readonly kind: "start"
  readonly from: "beginning" | "snapshot"
  /** The last message whose effects are in the snapshot; 0 at the beginning. */
  readonly sequence: number
  /** The state at the beginning; that of the snapshot comes with the last of the steps that it holds. */
  readonly state: unknown
}

/** What was decided in one step, and what became of the actor by it. States are JSON. */
export interface ReplayedStep {
  readonly kind: "step"
  /** The sequence of the journal record it is in, and that of its message. */
  readonly record: number
  readonly sequence: number
  /** When the message was stored, in milliseconds since 1970. */
  readonly time: number
  readonly message: ReplayedMessage
  readonly events: NonNullable<StepRecord["events"]>
  readonly effects: ReadonlyArray<ReplayedEffect>
  /** Missing where the story begins with a snapshot after it. */
  readonly before?: unknown
  readonly after?: unknown
  readonly difference: ReadonlyArray<Difference>
  readonly verdict: ReplayVerdict
}

export interface ReplayedMessage {
  readonly name: string
  readonly correlation: string
  readonly id?: string
  readonly from?: string
  /** As it lay in the mailbox; text where that was no message. Missing where it is removed. */
  readonly original?: Envelope | string
}

/** The journal cannot be read any further: a record is damaged, missing, or of a newer version. */
export interface ReplayFault {
  readonly kind: "fault"
  readonly record: number
  readonly reason: string
}

export type Replayed = ReplayStart | ReplayedStep | ReplayFault

export interface ReplayOptions {
  /** The last message to go to, by its sequence; the last of the journal, unless given. */
  readonly until?: number | undefined
}

/**
 * Goes through an actor's journal step by step: first where it starts, then each step, and at last a fault if there is one.
 *
 * The state is folded as an engine does it, with the definition's versions and upcasters. Each message that is still known,
 * from the journal or from the log, is decided again, and what comes of it is held against the record. Pure: it needs no
 * log, has no effects, and makes each step when it is asked for it.
 */
export function* replay(actor: Actor, recording: Recording, options: ReplayOptions = {}): Generator<Replayed, void> {
  const story = new Replayer(actor, recording, options.until ?? Number.POSITIVE_INFINITY)
  for (const { sequence, payload } of recording.records) {
    try {
      if (!(yield* story.follow(parseRecord(payload), sequence))) return
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      yield { kind: "fault", record: sequence, reason }
      return
    }
  }
}

/** How a replay went. `same`, `differs` and `unchecked` add up to `steps`. */
export interface ReplaySummary {
  readonly steps: number
  readonly same: number
  readonly differs: number
  readonly unchecked: number
  readonly fault: ReplayFault | undefined
}

/** Counts the verdicts of a replay. */
export const summarize = (replayed: Iterable<Replayed>): ReplaySummary => {
  const counts = { same: 0, differs: 0, "not checked": 0 }
  let fault: ReplayFault | undefined
  for (const each of replayed) {
    if (each.kind === "step") counts[each.verdict.verdict]++
    if (each.kind === "fault") fault = each
  }
  const { same, differs, "not checked": unchecked } = counts
  return { steps: same + differs + unchecked, same, differs, unchecked, fault }
}

/** The actor as it is at one place of its journal. */
class Replayer {
  readonly #compiled: Compiled
  readonly #self: Address
  readonly #core: ActorState
  readonly #until: number
  readonly #payloads: ReadonlyMap<number, string>
  #last: number | undefined
  #state: unknown

  constructor(actor: Actor, { address, mail }: Recording, until: number) {
    this.#compiled = compile(actor)
    this.#self = addressOf(actor.definition.protocol, address.id)
    this.#core = emptyActor(this.#compiled, this.#self)
    this.#until = until
    this.#payloads = new Map(mail.map(({ sequence, payload }) => [sequence, payload]))
  }

  /** Goes through a record. False where what was asked for ends. Throws for one that an engine could not read either. */
  *follow(record: CommitRecord, sequence: number): Generator<Replayed, boolean> {
    const { v: version = 1, previous } = record
    const { version: known, type } = this.#compiled
    if (version > known) throw new NewerVersion({ what: `the journal of ${type}`, version, known })
    if (this.#last === undefined && previous !== 0) return yield* this.#begin(record, sequence)
    if (this.#last === undefined) {
      this.#state = this.#encode()
      yield { kind: "start", from: "beginning", sequence: 0, state: this.#state }
    } else if (previous !== this.#last) {
      throw new Error(`it follows record ${previous}, and the one before it is ${this.#last}`)
    }
    this.#last = sequence
    for (const [index, step] of record.steps.entries()) {
      if (step.sequence > this.#until) return false
      yield this.#take(step, { record, sequence, isLast: index === record.steps.length - 1 })
    }
    return true
  }

  /** Nothing is left of what was before this record: what its steps were decided against is not known. */
  *#begin(record: CommitRecord, sequence: number): Generator<Replayed, boolean> {
    const { snapshot, steps, previous } = record
    if (snapshot === undefined) throw new Error(`it follows record ${previous}, which is not there, and is no snapshot`)
    applyRecord(this.#compiled, this.#core, record)
    this.#last = sequence
    this.#state = this.#encode()
    yield { kind: "start", from: "snapshot", sequence: snapshot.consumed, state: this.#state }
    for (const step of steps) {
      if (step.sequence > this.#until) return false
      const why = "what was before it is not in the journal any more"
      const checked: Checked = { verdict: { verdict: "not checked", why }, entries: [] }
      yield { ...tell(step, sequence, this.#payloadOf(step), checked), difference: [] }
    }
    return true
  }

  #take(step: StepRecord, at: { readonly record: CommitRecord; readonly sequence: number; readonly isLast: boolean }) {
    const { v: version = 1, snapshot } = at.record
    const payload = this.#payloadOf(step)
    const checked = decideAgain(this.#compiled, this.#core, this.#mailOf(step, payload), step, version)
    const state = evolveAll(this.#compiled, this.#core.state, step.events, version)
    applyStep(this.#compiled, this.#core, step, state)
    const before = this.#state
    this.#state = this.#encode()
    const wrong =
      at.isLast && snapshot !== undefined ? snapshotDeviations(this.#compiled, this.#core, snapshot, version) : []
    const told = tell(step, at.sequence, payload, withDeviations(checked, wrong))
    return { ...told, before, after: this.#state, difference: differenceOf(before, this.#state) }
  }

  #payloadOf({ mail, sequence }: StepRecord): string | undefined {
    if (mail === undefined) return this.#payloads.get(sequence)
    return typeof mail === "string" ? mail : JSON.stringify(mail)
  }

  #mailOf({ sequence, time }: StepRecord, payload: string | undefined): Mail | undefined {
    const shard = this.#self.role ?? ANY_ROLE
    return payload === undefined ? undefined : { to: this.#self, shard, sequence, time, payload }
  }

  /** A state that does not fit its schema is told as the sentence that says so. */
  #encode(): unknown {
    if (this.#core.stopped) return null
    if (this.#core.unborn !== undefined) return `it cannot begin: ${String(this.#core.unborn.cause)}`
    try {
      // A copy: an actor that changes its state in place must not change what was told before.
      return JSON.parse(JSON.stringify(this.#compiled.encodeState(this.#core.state)))
    } catch (cause) {
      return `the state does not fit its schema: ${cause instanceof Error ? cause.message : String(cause)}`
    }
  }
}

const tell = (
  step: StepRecord,
  record: number,
  payload: string | undefined,
  { verdict, entries }: Checked
): Omit<ReplayedStep, "difference"> => ({
  kind: "step",
  record,
  sequence: step.sequence,
  time: step.time,
  message: {
    name: step.message,
    correlation: step.correlation,
    ...(step.id !== undefined && { id: step.id }),
    ...(step.from !== undefined && { from: step.from }),
    ...(payload !== undefined && { original: readable(payload) })
  },
  events: step.events ?? [],
  effects: [...effectsOf(step), ...effectsIn(entries)],
  verdict
})

const readable = (payload: string): Envelope | string => {
  try {
    return parseEnvelope(payload)
  } catch {
    return payload
  }
}

const withDeviations = (
  checked: Checked,
  wrong: Extract<ReplayVerdict, { verdict: "differs" }>["deviations"]
): Checked => {
  if (wrong.length === 0) return checked
  const { verdict } = checked
  const known = verdict.verdict === "differs" ? verdict.deviations : []
  return { verdict: { verdict: "differs", deviations: [...known, ...wrong] }, entries: [] }
}
