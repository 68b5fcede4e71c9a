import { Effect, Exit, RcMap, Scope } from "effect"
import type { Start } from "../../protocols/index.ts"
import type { LogUnavailable, PublishedEvent } from "../../runtime/index.ts"
import { EventLog } from "../../runtime/index.ts"
import { type MicrotaskBatch, makeMicrotaskBatch } from "../microtask-batch.ts"
import { defaultLimits, type GatewayLimits } from "../policy.ts"
import { AGAIN, catchUp, type Subscriber } from "./catch-up.ts"
import { type EncodedEvent, encoderOf } from "./encode.ts"
import { PatternCounts, type TooManyPatterns } from "./pattern-counts.ts"
import { Ring, type RingRoom } from "./ring.ts"
import { matcherOf, SubjectTrie } from "./trie.ts"

/**
 * Events from the log to subscriptions: few readers of the log, many subscribers.
 *
 * Owns the readers. Each subscription has one *shared reader* for its whole life, which serves it: that of its own
 * pattern, or one open already whose pattern covers it (`decision.>` covers `decision.AAPL.*`).
 *
 * 1. A subscription gets each event once, and in the order of the log, whatever else is watched: only its reader serves
 *    it. Patterns that merely overlap make the log deliver an event to two readers, and each serves its own. Were the
 *    first copy dispatched to all who match and the others dropped, a reader that is ahead would carry a subscription
 *    past an event that only its own reader brings, and a client that resumes from its last sequence would lose it.
 * 2. There is at most one reader per distinct pattern wanted, and it ends with the last subscription it serves. The
 *    price of a shared reader: a wide one stays while a narrow pattern still lives on it. However many patterns are wanted,
 *    there are few readers, each of which costs the server: past them one of all events serves every further pattern.
 * 3. An event is turned into text once, however many readers and subscribers it has.
 */
export interface Fanout {
  /**
   * Serves a subscriber with the events of a pattern, until the scope closes. After that it gets nothing more. `client` is who
   * it is, where clients are told apart.
   */
  readonly subscribe: (
    pattern: string,
    start: Start,
    subscriber: Subscriber,
    client?: string
  ) => Effect.Effect<void, LogUnavailable | TooManyPatterns, Scope.Scope>
  readonly status: () => { readonly subscriptions: number; readonly watches: number }
  /** By which it delivers at the end of a turn of the event loop; what clients do then comes after that. */
  readonly batch: MicrotaskBatch
}

interface Live {
  readonly deliver: (events: ReadonlyArray<EncodedEvent>) => void
  readonly broken: (cause: unknown) => void
}

/** The subscriptions of one pattern, and what they get at the end of this turn of the event loop. */
interface Group {
  readonly members: Set<Live>
  due: Array<EncodedEvent>
}

/** A reader of the log, and the subscriptions that it serves. */
interface SharedReader {
  readonly ring: Ring
  readonly live: SubjectTrie<Group>
  readonly groups: Map<string, Group>
  /** What came in this turn of the event loop. */
  came: Array<EncodedEvent>
  /** Calls back at the end of this turn. */
  readonly batch: MicrotaskBatch
}

/** What a reader keeps of the newest events, for those who come back. */
export interface RingSize {
  readonly events: number
  readonly characters: number
  /** What all readers keep together. */
  readonly charactersOfAll?: number
}

const MEBI = 1024 * 1024
const RING_SIZE: RingSize = { events: 4_096, characters: 2 * MEBI, charactersOfAll: 64 * MEBI }
/** How many readers there are besides the one of all events. */
const READERS_MAX = 16
const ALL = ">"

/** A fanout that lives as long as the scope. */
export const makeFanout = (
  size = RING_SIZE,
  limits: Pick<GatewayLimits, "patternsMax" | "patternsPerClientMax"> = defaultLimits,
  batch: MicrotaskBatch = makeMicrotaskBatch()
): Effect.Effect<Fanout, never, EventLog | Scope.Scope> =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const encode = encoderOf(Effect.runForkWith(yield* Effect.context()))
    const open = new SubjectTrie<object>()
    const wanted = new PatternCounts(limits)
    let subscriptions = 0
    const room: RingRoom = { held: 0, most: size.charactersOfAll ?? Number.POSITIVE_INFINITY }

    const readers = yield* RcMap.make({
      lookup: Effect.fnUntraced(function* (pattern: string) {
        const member = {}
        yield* Effect.acquireRelease(
          Effect.sync(() => open.add(pattern, member)),
          () => Effect.sync(() => open.remove(pattern, member))
        )
        return yield* openReader({ log, pattern, size, room, encode, batch })
      })
    })
    const readerOf = (pattern: string) =>
      Effect.gen(function* () {
        // A reader that could not be opened stays such for as long as somebody holds it.
        const holding = yield* Scope.fork(yield* Effect.scope)
        const reader = RcMap.get(readers, open.cover(pattern) ?? (open.size < READERS_MAX ? pattern : ALL))
        return yield* Scope.provide(reader, holding).pipe(Effect.tapError(() => Scope.close(holding, Exit.void)))
      }).pipe(Effect.retry({ schedule: AGAIN, while: ({ _tag }) => _tag === "LogUnavailable" }))
    const enter = Effect.acquireRelease(
      Effect.sync(() => void subscriptions++),
      () => Effect.sync(() => void subscriptions--)
    )

    return {
      subscribe: Effect.fnUntraced(function* (pattern: string, start: Start, subscriber: Subscriber, client?: string) {
        yield* wanted.want(pattern, client)
        const reader = yield* readerOf(pattern)
        yield* enter
        const { ring } = reader
        let leave = () => {}
        const join = (position: number) => {
          // Who was ahead of this reader, or joins between an event and the end of its turn, gets nothing a second time.
          leave = enterGroup(reader, pattern, {
            deliver: (events) =>
              subscriber.deliver(
                isAfter(events, position) ? events : events.filter(({ sequence }) => sequence > position)
              ),
            broken: (cause) => {
              leave()
              subscriber.broken(cause)
            }
          })
        }
        yield* Effect.addFinalizer(() => Effect.sync(() => leave()))
        if (start === "new") {
          // In this order and in one go, so that no event can come before `joined`.
          subscriber.joined(ring.position)
          return join(ring.position)
        }
        yield* catchUp({ log, ring, pattern, start, subscriber, encode, matches: matcherOf(pattern), join })
      }),
      status: () => ({ subscriptions, watches: open.size }),
      batch
    }
  })

interface SharedReaderOptions {
  readonly log: EventLog["Service"]
  readonly pattern: string
  readonly size: RingSize
  readonly room: RingRoom
  readonly encode: (event: PublishedEvent) => EncodedEvent | undefined
  readonly batch: MicrotaskBatch
}

const openReader = ({
  log,
  pattern,
  size,
  room,
  encode,
  batch
}: SharedReaderOptions): Effect.Effect<SharedReader, LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    let reader: SharedReader | undefined
    // What comes before it is known where the ring begins.
    const early: Array<PublishedEvent> = []
    const position = yield* log.follow(pattern, (event) => {
      if (reader === undefined) early.push(event)
      else dispatch(reader, encode(event))
    })
    const ring = new Ring(position, size.events, size.characters, room)
    yield* Effect.addFinalizer(() => Effect.sync(() => ring.end()))
    reader = { ring, live: new SubjectTrie(), groups: new Map(), came: [], batch }
    for (const event of early) dispatch(reader, encode(event))
    return reader
  })

/** Whether all of some events, which are in order, come after a sequence. */
const isAfter = (events: ReadonlyArray<EncodedEvent>, position: number): boolean => events[0]!.sequence > position

/** @returns what takes it out again */
const enterGroup = ({ live, groups }: SharedReader, pattern: string, member: Live): (() => void) => {
  const group = groups.get(pattern) ?? { members: new Set(), due: [] }
  group.members.add(member)
  groups.set(pattern, group)
  live.add(pattern, group)
  return () => {
    group.members.delete(member)
    if (group.members.size > 0 || groups.get(pattern) !== group) return
    groups.delete(pattern)
    live.remove(pattern, group)
  }
}

/**
 * Events that come in one turn of the event loop go out together at its end, subscription by subscription: with thousands of
 * clients, to look up all that belongs to one costs more than to write to it.
 */
const dispatch = (reader: SharedReader, event: EncodedEvent | undefined): void => {
  if (event === undefined) return
  reader.ring.add(event)
  reader.came.push(event)
  if (reader.came.length === 1) reader.batch(() => deliver(reader))
}

const deliver = (reader: SharedReader): void => {
  const events = reader.came
  reader.came = []
  const waiting: Array<Group> = []
  for (const event of events) {
    reader.live.match(event.subject, (group) => {
      if (group.due.length === 0) waiting.push(group)
      group.due.push(event)
    })
  }
  for (const group of waiting) {
    const { due } = group
    group.due = []
    for (const member of group.members) {
      // One client's trouble is not that of those who come after it.
      try {
        member.deliver(due)
      } catch (cause) {
        member.broken(cause)
      }
    }
  }
}
