import type { EventFrom, EventPage, EventState, PublishedEvent } from "../../runtime/index.ts"
import { matches } from "./subject.ts"

interface StoredEvent extends PublishedEvent {
  /** When it was stored, in milliseconds since 1970. */
  readonly time: number
}

/** Of how many subjects the newest event is given at once. */
const NEWEST_MAX = 1_024
/** How many subjects are listed at once. */
const SUBJECTS_MAX = 1_000

/** The published events of a log, and how far each copy of it is. They are kept for ever. */
export class EventStore {
  /** A second copy of the log has come no further than this sequence. It gives every other page. */
  heldAt: number | undefined = undefined
  readonly #lastSequence: () => number
  readonly #now: () => number
  readonly #events: Array<StoredEvent> = []
  #pages = 0

  constructor(lastSequence: () => number, now: () => number) {
    this.#now = now
    this.#lastSequence = lastSequence
  }

  add(event: PublishedEvent, time: number): void {
    this.#events.push({ ...event, time })
  }

  page(pattern: string, from: EventFrom, max: number, bytesMax: number): EventPage {
    const copied = this.#copied()
    const wanted = this.#events.filter(
      (event) =>
        event.sequence <= copied &&
        ("time" in from ? event.time >= from.time : event.sequence >= from.sequence) &&
        matches(pattern, event.subject)
    )
    return { ...bounded(wanted, max, bytesMax), upTo: undefined }
  }

  newest(patterns: ReadonlyArray<string>, bytesMax: number): EventPage | undefined {
    const copied = this.#copied()
    const found = new Map<string, StoredEvent>()
    for (const event of this.#events) {
      if (event.sequence <= copied && patterns.some((pattern) => matches(pattern, event.subject))) {
        found.set(event.subject, event)
      }
    }
    if (found.size > NEWEST_MAX) return undefined
    const inOrder = [...found.values()].toSorted((one, other) => one.sequence - other.sequence)
    return { ...bounded(inOrder, NEWEST_MAX, bytesMax), upTo: found.size === 0 ? undefined : copied }
  }

  last(pattern: string): { readonly sequence: number; readonly time: number } | undefined {
    return this.#events.findLast(({ subject }) => matches(pattern, subject))
  }

  subjects(pattern: string, offset: number) {
    const names = [...new Set(this.#events.map(({ subject }) => subject))]
      .filter((subject) => matches(pattern, subject))
      .toSorted()
    const next = offset + SUBJECTS_MAX
    return { names: names.slice(offset, next), next: next < names.length ? next : undefined }
  }

  /** Every event of a pattern after a sequence. */
  after(pattern: string, sequence: number): ReadonlyArray<PublishedEvent> {
    const before = this.#events.findLastIndex((event) => event.sequence <= sequence)
    return this.#events
      .slice(before + 1)
      .filter(({ subject }) => matches(pattern, subject))
      .map(published)
  }

  state(): EventState {
    return {
      firstSequence: 1,
      lastSequence: this.#lastSequence(),
      time: this.#now(),
      created: 0,
      copies: this.heldAt === undefined ? 1 : 2,
      keptSeconds: () => undefined
    }
  }

  /** How far the copy is that answers now. */
  #copied(): number {
    return this.heldAt !== undefined && ++this.#pages % 2 === 1 ? this.heldAt : this.#lastSequence()
  }
}

const published = ({ subject, sequence, payload }: StoredEvent): PublishedEvent => ({ subject, sequence, payload })

/** The first of some events: so many, and about so many characters, but one at least. */
const bounded = (events: ReadonlyArray<StoredEvent>, max: number, charactersMax: number) => {
  let characters = 0
  const end = events.findIndex(({ payload }, index) => {
    characters += payload.length
    return index > 0 && (index >= max || characters > charactersMax)
  })
  return { events: (end < 0 ? events : events.slice(0, end)).map(published), complete: end < 0 }
}
