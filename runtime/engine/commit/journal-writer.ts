import type { Address } from "../../address.ts"
import { JournalCorrupt } from "../../errors.ts"
import { type CommitRecord, parseRecord, sealRecord } from "../../journal.ts"
import type { Entry, JournalRecord, LogLimits } from "../../log.ts"
import { type ActorState, applyRecord, emptyActor, takeSnapshot } from "../step/actor-state.ts"
import type { Compiled } from "../step/compiled.ts"
import type { CommitBuffer } from "./commit-buffer.ts"

/** An actor no larger than this, in characters, goes whole into each of its records: it is then recovered by reading one. */
const SMALL_CHARACTERS = 1_024
/** What an actor takes in memory besides its state, and its state for each character of its snapshot, in bytes. */
const RESIDENT_BYTES = 2_000
const BYTES_PER_CHARACTER = 4

/** Who says that an actor got no snapshot although one was due. */
export interface Snapshots {
  readonly missed: (owner: Address, reason: string) => void
}

/** Writes one actor's journal: how the records follow one another, and when one of them holds the actor whole. */
export class JournalWriter {
  readonly #owner: Address
  readonly #compiled: Compiled
  readonly #snapshots: Snapshots
  /** The sequence of the actor's last journal record; 0 for none. */
  #sequence = 0
  /** Records in the journal, and characters of them since the last snapshot. */
  #kept = 0
  #charactersSince = 0
  #snapshotCharacters = 0

  constructor(owner: Address, compiled: Compiled, snapshots: Snapshots) {
    this.#owner = owner
    this.#compiled = compiled
    this.#snapshots = snapshots
  }

  /** About how much memory the actor takes, in bytes. */
  get weight(): number {
    return RESIDENT_BYTES + BYTES_PER_CHARACTER * this.#snapshotCharacters
  }

  /** The actor that a journal holds. Throws for a record that cannot be read or evolved, or is too new, or if one is missing. */
  read(records: ReadonlyArray<JournalRecord>): ActorState {
    const core = emptyActor(this.#compiled, this.#owner)
    this.#sequence = 0
    this.#kept = 0
    this.#charactersSince = 0
    for (const { payload, sequence } of records) {
      const record = parseRecord(payload)
      this.#follow(record, sequence, payload.length)
      applyRecord(this.#compiled, core, record)
    }
    return core
  }

  /** Takes note of a record that was read. */
  #follow(record: CommitRecord, sequence: number, characters: number): void {
    const whole = record.snapshot !== undefined
    if (record.previous !== this.#sequence && !(whole && this.#sequence === 0)) {
      const detail = `record ${sequence} follows ${record.previous}, and ${this.#sequence || "none"} was read before it`
      throw new JournalCorrupt({ detail })
    }
    this.#sequence = sequence
    this.#kept = record.kept
    this.#charactersSince = whole ? 0 : this.#charactersSince + characters
  }

  /** The record of some steps, which `core` has in it. */
  record(core: ActorState, steps: CommitBuffer, limits: LogLimits): Extract<Entry, { kind: "journal" }> {
    const { complete, version, snapshotEvery, snapshotCharacters } = this.#compiled
    const grown = this.#charactersSince + steps.stepCharacters
    const due =
      core.stopped ||
      (this.#kept + 1) % snapshotEvery === 0 ||
      grown > Math.max(snapshotCharacters, 2 * this.#snapshotCharacters)
    const snapshot =
      due || this.#snapshotCharacters <= SMALL_CHARACTERS ? this.#snapshot(core, steps, due, limits) : undefined
    const truncate = due && snapshot !== undefined && !complete
    this.#kept = truncate ? 1 : this.#kept + 1
    // A snapshot that was due and does not fit is tried again when as much has come on top of it.
    this.#charactersSince = snapshot === undefined && !due ? grown : 0
    const v = version === 1 ? "" : `"v":${version},`
    const head = `{"version":1,${v}"kept":${this.#kept},"previous":${this.#sequence}`
    const json = `${head},"steps":[${steps.steps.join(",")}]${snapshot === undefined ? "" : `,"snapshot":${snapshot}`}}`
    return {
      kind: "journal",
      owner: this.#owner,
      payload: sealRecord(json),
      expected: this.#sequence,
      snapshot: snapshot !== undefined,
      truncate
    }
  }

  /** The last record is stored, and has this sequence. */
  stored(sequence: number): void {
    this.#sequence = sequence
  }

  /** The actor whole, if it fits beside the steps and is small or due. */
  #snapshot(core: ActorState, steps: CommitBuffer, due: boolean, limits: LogLimits): string | undefined {
    const text = this.#encode(core)
    if (text === undefined) return undefined
    this.#snapshotCharacters = text.length
    if (!due && text.length > SMALL_CHARACTERS) return undefined
    const bytes = Buffer.byteLength(text)
    if (bytes + steps.stepCharacters * 3 < limits.payloadBytesMax) return text
    // Beside fewer steps it may fit the next time.
    if (bytes < limits.payloadBytesMax) return undefined
    return this.#missed(`it has ${bytes} bytes, and a message of the log at most ${limits.payloadBytesMax}`)
  }

  #missed(reason: string): undefined {
    this.#snapshots.missed(this.#owner, reason)
  }

  /** A state that does not fit its schema cannot be a snapshot, but its steps can still be stored. */
  #encode(core: ActorState): string | undefined {
    try {
      return JSON.stringify(takeSnapshot(this.#compiled, core))
    } catch {
      return this.#missed("its state does not fit its schema")
    }
  }
}
