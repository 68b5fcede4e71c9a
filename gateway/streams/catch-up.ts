import { Effect, Schedule } from "effect"
import { isoMillis, type Start } from "../../protocols/index.ts"
import type { EventLog, History, HistoryStart, LogUnavailable, PublishedEvent } from "../../runtime/index.ts"
import type { EncodedEvent } from "./encode.ts"
import type { Ring } from "./ring.ts"

/** Events that a subscription does not get, and why; see `GapData`. */
export interface Missing {
  readonly reason: "expired" | "ahead"
  readonly from: number
  readonly to: number
}

/** Who wants events. All but `ready` are called where nothing may throw or wait. */
export interface Subscriber {
  /** Once, before anything else. `position`: what was asked for begins after this sequence; not known of a time. */
  readonly joined: (position: number | undefined) => void
  /** Events in order, all of them after those that came before. */
  readonly deliver: (events: ReadonlyArray<EncodedEvent>) => void
  readonly missing: (missing: Missing) => void
  /** Once, where there was history to give: it is given, up to this sequence. */
  readonly caughtUp: (position: number) => void
  /** Live events could not be delivered to it: it threw. It gets none after that. */
  readonly broken: (cause: unknown) => void
  /** So many bytes of its history are read, and wait until it can take them. */
  readonly hold: (bytes: number) => void
  /** Waits until the client can take more history. */
  readonly ready: Effect.Effect<void>
}

export interface CatchUpOptions {
  readonly log: EventLog["Service"]
  /** Where events go on from. It holds those of the pattern, and may hold others. */
  readonly ring: Ring
  readonly pattern: string
  readonly start: Exclude<Start, "new">
  readonly subscriber: Subscriber
  readonly encode: (event: PublishedEvent) => EncodedEvent | undefined
  readonly matches: (subject: string) => boolean
  /** Joins the live events after a position. Called in the same turn in which the last of the history was delivered. */
  readonly join: (position: number) => void
}

/** How far a subscription has come, also over several tries. */
interface CatchUpProgress {
  /** What is missing before the history was said. */
  begun: boolean
  /** Every event of the pattern up to here was delivered. */
  position: number
  /** What the ring does not hold was read to its end. */
  complete: boolean
}

// What may be delivered in one turn of the event loop, in characters.
const TURN_CHARACTERS_MAX = 128 * 1024
/** How often the log is asked again before a subscription fails: for about six seconds. */
export const AGAIN = Schedule.exponential("100 millis").pipe(Schedule.upTo({ times: 6 }))

/**
 * Gives a subscription its history, and joins it to the live events without gap or repeat.
 *
 * 1. The ring was there before the first page was asked for. What is stored after a page was asked for is therefore in
 *    the ring, in a later page, or in both; sequences tell which is which.
 * 2. It goes live only in a turn in which the ring holds everything after `position` and all of that was delivered.
 * 3. A page says that it is complete only where its copy of the log has come as far as the ring had when it was asked for.
 * 4. No page is read before the client can take it: who reads slowly catches up slowly, and nobody waits for it.
 */
export const catchUp = (options: CatchUpOptions): Effect.Effect<void, LogUnavailable> =>
  Effect.gen(function* () {
    const progress: CatchUpProgress = { begun: false, position: 0, complete: false }
    const reading = Effect.gen(function* () {
      if (!progress.begun) yield* begin(options, progress)
      yield* replay(options, progress)
    })
    yield* Effect.retry(reading, AGAIN)
  }).pipe(Effect.ensuring(Effect.sync(() => options.subscriber.hold(0))))

/** Finds where the history begins, and says what is missing before. A reading that fails has said nothing. */
const begin = (
  { log, ring, start, subscriber, pattern }: CatchUpOptions,
  progress: CatchUpProgress
): Effect.Effect<void, LogUnavailable> =>
  Effect.gen(function* () {
    const beginAt = (position: number, complete: boolean) =>
      Object.assign(progress, { begun: true, position, complete })
    if (start === "last" || "time" in start) {
      subscriber.joined(undefined)
      return void beginAt(0, false)
    }
    const asked = start.seq
    const position = asked - 1
    const held = position >= ring.floor
    if (held && position <= ring.position) {
      subscriber.joined(position)
      return void beginAt(position, true)
    }
    const { first, last } = yield* log.kept(pattern)
    subscriber.joined(position)
    if (position > last) {
      subscriber.missing({ reason: "ahead", from: last + 1, to: position })
      return void beginAt(last, last >= ring.floor)
    }
    // From the first sequence on means all there is.
    if (asked < first && asked > 1) {
      subscriber.missing({ reason: "expired", from: asked, to: first - 1 })
    }
    beginAt(position, held)
  })

const replay = (options: CatchUpOptions, progress: CatchUpProgress) =>
  Effect.gen(function* () {
    const { log, ring, pattern, subscriber, encode, matches, join } = options
    const give = (event: EncodedEvent) => {
      if (event.sequence <= progress.position) return
      progress.position = event.sequence
      subscriber.deliver([event])
    }
    let history: History | undefined
    while (true) {
      yield* subscriber.ready
      if (progress.complete && ring.floor <= progress.position) {
        if (!giveFromRing(ring, progress.position, matches, give)) continue
        progress.position = Math.max(progress.position, ring.position)
        join(progress.position)
        subscriber.caughtUp(progress.position)
        return
      }
      history ??= log.history(pattern, resumeAt(options.start, progress))
      const covered = ring.position
      const page = yield* history.next(covered)
      subscriber.hold(history.heldBytes())
      for (const event of page.events) {
        const encoded = event.sequence > progress.position ? encode(event) : undefined
        if (encoded !== undefined) give(encoded)
      }
      progress.complete = page.complete
      if (page.complete) progress.position = Math.max(progress.position, covered)
    }
  })

/** Delivers what the ring holds after a position. False if that was too much for one turn. */
const giveFromRing = (
  ring: Ring,
  position: number,
  matches: (subject: string) => boolean,
  give: (event: EncodedEvent) => void
): boolean => {
  let characters = 0
  for (const event of ring.after(position)) {
    if (!matches(event.subject)) continue
    if (characters > TURN_CHARACTERS_MAX) return false
    give(event)
    characters += event.opening.length
  }
  return true
}

const resumeAt = (start: Exclude<Start, "new">, { position }: CatchUpProgress): HistoryStart => {
  if (start === "last") return { from: "last" }
  if (position === 0 && "time" in start) return { from: "time", time: isoMillis(start.time) ?? 0 }
  return { from: "sequence", sequence: position + 1 }
}
