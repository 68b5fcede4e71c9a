import { type Address, type Entry, formatAddress, type Recording } from "../../runtime/index.ts"
import type { Commit, Observer } from "./store.ts"

interface ActorRecording {
  readonly address: Address
  readonly records: Array<Recording["records"][number]>
  readonly mail: Array<Recording["mail"][number]>
}

/**
 * Keeps everything that is stored of every actor, also what the stream itself forgets: records that a snapshot replaced, and
 * mail that was removed. So each step of a run can be decided again.
 */
export class LogRecording implements Required<Pick<Observer, "committed">> {
  readonly #kept = new Map<string, ActorRecording>()
  readonly #beside = new Map<number, Array<Entry>>()

  readonly committed = ({ first, time, entries }: Commit): void => {
    let beside: Array<Entry> | undefined
    for (const [index, entry] of entries.entries()) {
      const sequence = first + index
      const { kind } = entry
      if (kind === "mail") this.#of(entry.to).mail.push({ sequence, time, payload: entry.payload })
      if (kind === "journal") {
        this.#of(entry.owner).records.push({ sequence, payload: entry.payload })
        beside = []
        this.#beside.set(sequence, beside)
      } else beside?.push(entry)
    }
  }

  /** What was stored with a record, and came after it in its group. */
  storedWith(record: number): ReadonlyArray<Entry> {
    return this.#beside.get(record) ?? []
  }

  /** What was stored of each actor that has a journal, in order of their first messages. */
  get recordings(): ReadonlyArray<Recording> {
    return [...this.#kept.values()].filter(({ records }) => records.length > 0)
  }

  /** What was stored of one actor. */
  recording(address: Address): Recording {
    return this.#kept.get(formatAddress(address)) ?? { address, records: [], mail: [] }
  }

  #of(address: Address): ActorRecording {
    const name = formatAddress(address)
    let kept = this.#kept.get(name)
    if (kept === undefined) {
      kept = { address, records: [], mail: [] }
      this.#kept.set(name, kept)
    }
    return kept
  }
}
