import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { PublishedEvent } from "../log.ts"
import type { HistoryPage } from "./log.ts"
import { firstPage, newPatience, type Patience, patiently } from "./page.ts"
import type { EventPage, EventReads } from "./reads.ts"

/** So many subjects are asked for by their names at a time. */
const TOGETHER = 256
/** About so much is read with one request: it may wait for long, for a client that does not read. */
const BYTES_MAX = 1024 * 1024
/** What an event that was read costs besides its bytes, and what the name of a subject does. */
const PLACE_BYTES = 160
const NAME_BYTES = 120

/** The newest event of each subject as of one moment, page by page, in the order of the log. */
export interface Latest {
  /** The next of them; nothing once all were given. */
  readonly next: (upTo: number) => Effect.Effect<HistoryPage | undefined, LogUnavailable>
  /** They are of the moment at which the log had come to this sequence. What was stored later is not among them. */
  readonly opening: () => number
  /** What was read and is not given yet: events, and the names of those that will be read. */
  readonly heldBytes: () => number
}

/**
 * Mostly one request gives all of them. Where they are too many or too large for that, the sequence of each is read first, and then
 * they are read again in that order: of the events no more than one answer is held, and of all the names and sequences.
 */
export const openLatest = (reads: EventReads["Service"], pattern: string): Latest => {
  let opened: { readonly at: number; readonly order: Array<string> } | undefined
  let ready: ReadonlyArray<PublishedEvent> = []
  const open = (upTo: number, patience: Patience) =>
    Effect.gen(function* () {
      const page = yield* reads.newest([pattern], BYTES_MAX)
      if (page === undefined || !page.complete) return yield* listed(reads, pattern, upTo, patience)
      const at = yield* reached(reads, page, pattern, upTo)
      if (at === undefined) return undefined
      ready = page.events
      return { at, order: [] }
    })
  const give = (upTo: number, at: number): HistoryPage => {
    const events = firstPage(ready)
    ready = ready.slice(events.length)
    return { events, complete: ready.length === 0 && opened?.order.length === 0 && at >= upTo }
  }
  return {
    opening: () => opened?.at ?? 0,
    heldBytes: () =>
      ready.reduce((sum, { subject, payload }) => sum + subject.length + payload.length + PLACE_BYTES, 0) +
      (opened?.order.length ?? 0) * NAME_BYTES,
    next: (upTo) =>
      Effect.gen(function* () {
        const first = opened === undefined
        const patience = newPatience()
        opened ??= yield* patiently(open(upTo, patience), patience)
        const { at, order } = opened
        while (ready.length === 0 && order.length > 0) {
          const names = order.slice(0, TOGETHER)
          const { events, left } = yield* newestOf(reads, names, at, patience)
          ready = events.filter(({ sequence }) => sequence <= at)
          order.splice(0, names.length, ...left)
        }
        return ready.length > 0 || first ? give(upTo, at) : undefined
      })
  }
}

/** How far the copy was that answered, if it is far enough. One that has no such event does not say. */
const reached = (
  { last, state }: EventReads["Service"],
  { upTo: seen }: EventPage,
  pattern: string,
  upTo: number
): Effect.Effect<number | undefined, LogUnavailable> =>
  Effect.gen(function* () {
    if (seen !== undefined) return seen < upTo ? undefined : seen
    const { copies } = yield* state
    return copies === 1 || (yield* last(pattern)) === undefined ? upTo : undefined
  })

/** The subjects under a pattern, in the order of their newest events. */
const listed = (reads: EventReads["Service"], pattern: string, upTo: number, patience: Patience) =>
  Effect.gen(function* () {
    const names: Array<string> = []
    let offset: number | undefined = 0
    while (offset !== undefined) {
      const page: { readonly names: ReadonlyArray<string>; readonly next: number | undefined } = yield* reads.subjects(
        pattern,
        offset
      )
      names.push(...page.names)
      offset = page.next
    }
    const sequences = new Map<string, number>()
    while (names.length > 0) {
      const asked = names.slice(0, TOGETHER)
      const { events, left } = yield* newestOf(reads, asked, upTo, patience)
      for (const { subject, sequence } of events) sequences.set(subject, sequence)
      names.splice(0, asked.length, ...left)
    }
    const order = [...sequences].filter(([, sequence]) => sequence <= upTo)
    return { at: upTo, order: order.toSorted(([, one], [, other]) => one - other).map(([subject]) => subject) }
  })

/**
 * The newest events of some subjects in their order, as many as one answer holds, and the subjects of which there may be more: by a copy
 * that has come as far as it has to. One of many such pages: a copy that is behind costs only its own, and all of them together wait no longer than one.
 */
const newestOf = (reads: EventReads["Service"], subjects: ReadonlyArray<string>, upTo: number, patience: Patience) =>
  patiently(newestOnce(reads, subjects, upTo), patience)

const newestOnce = (
  { newest, state }: EventReads["Service"],
  subjects: ReadonlyArray<string>,
  upTo: number
): Effect.Effect<
  { readonly events: ReadonlyArray<PublishedEvent>; readonly left: ReadonlyArray<string> } | undefined,
  LogUnavailable
> =>
  Effect.gen(function* () {
    const page = yield* newest(subjects, BYTES_MAX)
    if (page === undefined) return yield* new LogUnavailable({ detail: "too many subjects at a time" })
    const seen = page.upTo ?? ((yield* state).copies === 1 ? upTo : 0)
    if (seen < upTo) return undefined
    const given = new Set(page.events.map(({ subject }) => subject))
    return {
      events: page.events.toSorted((one, other) => one.sequence - other.sequence),
      left: page.complete || given.size === 0 ? [] : subjects.filter((subject) => !given.has(subject))
    }
  })
