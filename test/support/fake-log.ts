import { Effect, Layer } from "effect"
import { ActorLog, LogUnavailable, type PublishedEvent } from "../../runtime/index.ts"

/** A log that only publishes: its events are those of the test, its watches are open to inspection. */
export interface FakeLog {
  readonly layer: Layer.Layer<ActorLog>
  /** Stores an event and shows it to every watch that matches. @returns its sequence */
  readonly publish: (subject: string, type: string, data: object) => number
  /** The same, with any payload. */
  readonly publishPayload: (subject: string, payload: string) => number
  /** The patterns of the open watches, sorted. */
  readonly watching: () => ReadonlyArray<string>
  /** How many watches were ever opened. */
  readonly opened: () => number
  /** Lets the next watches fail, or succeed again. */
  readonly setBroken: (broken: boolean) => void
  /** Holds back the next watches until it is called with false. */
  readonly setSlow: (slow: boolean) => void
}

interface Watch {
  readonly pattern: string
  readonly see: (event: PublishedEvent) => void
}

export const makeFakeLog = (): FakeLog => {
  const watches = new Set<Watch>()
  let sequence = 0
  let opened = 0
  let broken = false
  let slow = false

  const open = Effect.fnUntraced(function* (pattern: string, see: Watch["see"]) {
    if (broken) return yield* new LogUnavailable({ detail: "the test says so" })
    while (slow) yield* Effect.sleep("1 millis")
    opened++
    const watch: Watch = { pattern, see }
    yield* Effect.acquireRelease(
      Effect.sync(() => watches.add(watch)),
      () => Effect.sync(() => watches.delete(watch))
    )
  })
  const publishPayload = (subject: string, payload: string) => {
    sequence++
    for (const watch of watches) if (matches(watch.pattern, subject)) watch.see({ subject, sequence, payload })
    return sequence
  }
  return {
    layer: Layer.mock(ActorLog, {
      limits: { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 8_000_000 },
      shards: 1,
      newId: () => crypto.randomUUID(),
      inbox: "nobody",
      answer: () => {},
      broadcast: () => {},
      watch: open
    }),
    publish: (subject, type, data) => publishPayload(subject, JSON.stringify({ type, data })),
    publishPayload,
    watching: () => [...watches].map((watch) => watch.pattern).sort(),
    opened: () => opened,
    setBroken: (value) => {
      broken = value
    },
    setSlow: (value) => {
      slow = value
    }
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
