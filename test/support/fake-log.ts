import { Effect, Layer } from "effect"
import { EventLog, type History, type HistoryStart, LogUnavailable, type PublishedEvent } from "../../runtime/index.ts"

/** A log that only publishes: its events are those of the test, its watches are open to inspection. */
export interface FakeLog {
  readonly layer: Layer.Layer<EventLog>
  /** Stores an event and shows it to every watch that matches. @returns its sequence */
  readonly publish: (subject: string, type: string, data: object) => number
  /** The same, with any payload. */
  readonly publishPayload: (subject: string, payload: string) => number
  /** Something else is stored than an event. @returns its sequence */
  readonly skip: () => number
  /** Keeps no event of this sequence or an earlier one. */
  readonly expire: (upTo: number) => void
  /** The patterns of the open watches, sorted. */
  readonly watching: () => ReadonlyArray<string>
  /** How many watches were ever opened. */
  readonly opened: () => number
  /** How many pages of history were read. */
  readonly pages: () => number
  /** What happens before each page is read, and before it is given. */
  readonly onPage: (act: (when: "before" | "after") => void) => void
  /** Readings of history see nothing after this sequence, as of a copy that is behind, until it is called with none. */
  readonly hold: (upTo?: number) => void
  /** Lets the next watches and pages fail, or succeed again. */
  readonly setBroken: (broken: boolean) => void
  /** Holds back the next watches until it is called with false. */
  readonly setSlow: (slow: boolean) => void
}

interface Watch {
  readonly pattern: string
  readonly see: (event: PublishedEvent) => void
}

interface Trouble {
  readonly broken: boolean
  readonly slow: boolean
  /** What readings see of the log ends here. */
  readonly held: number | undefined
}

interface Stored extends PublishedEvent {
  readonly time: number
}

const PAGE = 3

/** Which events a reading of history that is opened now will give. */
const selectorOf = (stored: ReadonlyArray<Stored>, opening: number, pattern: string, start: HistoryStart) => {
  const newest = new Map(stored.map((event) => [event.subject, event.sequence]))
  return (event: Stored): boolean => {
    if (!matches(pattern, event.subject)) return false
    if (start.from === "sequence") return event.sequence >= start.sequence
    if (start.from === "time") return event.time >= start.time
    return event.sequence > opening || newest.get(event.subject) === event.sequence
  }
}

/** The first events after a sequence that are wanted: a page, and one more if there is one. */
const firstAfter = (stored: ReadonlyArray<Stored>, position: number, wanted: (event: Stored) => boolean) => {
  const left: Array<Stored> = []
  let place = stored.findIndex(({ sequence }) => sequence > position)
  for (; place >= 0 && place < stored.length && left.length <= PAGE; place++) {
    if (wanted(stored[place]!)) left.push(stored[place]!)
  }
  return left
}

export const makeFakeLog = (): FakeLog => {
  const watches = new Set<Watch>()
  let stored: Array<Stored> = []
  let [sequence, opened, pages] = [0, 0, 0]
  const trouble: Trouble = { broken: false, slow: false, held: undefined }
  const unlessBroken = Effect.suspend(() =>
    trouble.broken ? Effect.fail(new LogUnavailable({ detail: "the test says so" })) : Effect.void
  )
  let acting: (when: "before" | "after") => void = () => {}

  const follow = Effect.fnUntraced(function* (pattern: string, see: Watch["see"]) {
    yield* unlessBroken
    while (trouble.slow) yield* Effect.sleep("1 millis")
    opened++
    const watch: Watch = { pattern, see }
    yield* Effect.acquireRelease(
      Effect.sync(() => watches.add(watch)),
      () => Effect.sync(() => watches.delete(watch))
    )
    return sequence
  })
  const publishPayload = (subject: string, payload: string) => {
    const event = { subject, sequence: ++sequence, payload, time: Date.now() }
    stored.push(event)
    for (const watch of watches) if (matches(watch.pattern, subject)) watch.see(event)
    return sequence
  }
  const history = (pattern: string, start: HistoryStart): History => {
    const selects = selectorOf(stored, sequence, pattern, start)
    let position = 0
    const next = Effect.fnUntraced(function* (upTo: number) {
      yield* unlessBroken
      pages++
      acting("before")
      const copied = trouble.held ?? Number.MAX_SAFE_INTEGER
      const left = firstAfter(stored, position, (event) => event.sequence <= copied && selects(event))
      const events = left.slice(0, PAGE)
      position = events.at(-1)?.sequence ?? position
      acting("after")
      yield* Effect.yieldNow
      if (events.length === 0 && copied < upTo) return yield* new LogUnavailable({ detail: "the copy is behind" })
      return { events, complete: left.length === events.length && copied >= upTo }
    })
    return { next, heldBytes: () => 0 }
  }
  return {
    layer: Layer.succeed(EventLog, {
      follow,
      history,
      kept: () => Effect.map(unlessBroken, () => ({ first: stored[0]?.sequence ?? sequence + 1, last: sequence }))
    }),
    publish: (subject, type, data) => publishPayload(subject, JSON.stringify({ type, data })),
    publishPayload,
    skip: () => ++sequence,
    expire: (upTo) => {
      stored = stored.filter((event) => event.sequence > upTo)
    },
    watching: () => [...watches].map((watch) => watch.pattern).sort(),
    opened: () => opened,
    pages: () => pages,
    onPage: (act) => {
      acting = act
    },
    hold: (upTo) => Object.assign(trouble, { held: upTo }),
    setBroken: (broken) => Object.assign(trouble, { broken }),
    setSlow: (slow) => Object.assign(trouble, { slow })
  }
}

/** Whether a subject matches a pattern, written to be obviously right and nothing else. */
export const matches = (pattern: string, subject: string): boolean => {
  const [wanted, ...wantedRest] = pattern.split(".")
  const [token, ...rest] = subject.split(".")
  if (wanted === ">") return true
  if (wanted !== "*" && wanted !== token) return false
  if (wantedRest.length === 0 || rest.length === 0) return wantedRest.length === rest.length
  return matches(wantedRest.join("."), rest.join("."))
}
