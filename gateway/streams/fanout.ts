import { Effect, RcMap, Schema, type Scope } from "effect"
import type { Start } from "../../protocols/index.ts"
import type { LogUnavailable, PublishedEvent } from "../../runtime/index.ts"
import { EventLog } from "../events/log.ts"
import { defaultLimits, limitNames } from "../policy.ts"
import { catchUp, type Subscriber } from "./catch-up.ts"
import { type EncodedEvent, encoderOf } from "./encode.ts"
import { Ring } from "./ring.ts"
import { matcherOf, SubjectTrie } from "./trie.ts"

/**
 * Events from the log to subscriptions: few readers of the log, many subscribers.
 *
 * Owns the readers. Each subscription has one *home* for its whole life, the reader that serves it: that of its own
 * pattern, or one open already whose pattern covers it (`decision.>` covers `decision.AAPL.*`).
 *
 * 1. A subscription gets each event once, and in the order of the log, whatever else is watched: only its home serves
 *    it. Patterns that merely overlap make the log deliver an event to two homes, and each serves its own. Were the
 *    first copy dispatched to all who match and the others dropped, a home that is ahead would carry a subscription
 *    past an event that only its own home brings, and a client that resumes from its last sequence would lose it.
 * 2. There is at most one home per distinct pattern wanted, and it ends with the last subscription it serves. The
 *    price of a shared home: a wide one stays while a narrow pattern still lives on it.
 * 3. An event is turned into text once, however many homes and subscribers it has.
 */
export interface Fanout {
  /** Serves a subscriber with the events of a pattern, until the scope closes. After that it gets nothing more. */
  readonly subscribe: (
    pattern: string,
    start: Start,
    subscriber: Subscriber
  ) => Effect.Effect<void, LogUnavailable | TooManyPatterns, Scope.Scope>
  readonly status: () => { readonly subscriptions: number; readonly watches: number }
}

/** As many different patterns are read as the gateway takes, and no home covers this one. */
export class TooManyPatterns extends Schema.TaggedError<TooManyPatterns>()("TooManyPatterns", { limit: Schema.Int }) {
  override get message() {
    return `clients of this gateway want ${this.limit} different patterns already (${limitNames.patternsMax})`
  }
}

type Live = (event: EncodedEvent) => void

interface Home {
  readonly ring: Ring
  readonly live: SubjectTrie<Live>
}

/** What a home keeps of the newest events, for those who come back. */
export interface RingSize {
  readonly events: number
  readonly characters: number
}

const RING_SIZE: RingSize = { events: 4_096, characters: 2 * 1024 * 1024 }

/** A fanout that lives as long as the scope. */
export const makeFanout = (
  size = RING_SIZE,
  patternsMax = defaultLimits.patternsMax
): Effect.Effect<Fanout, never, EventLog | Scope.Scope> =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const encode = encoderOf(Effect.runForkWith(yield* Effect.context()))
    const open = new SubjectTrie<object>()
    let subscriptions = 0

    const homes = yield* RcMap.make({
      lookup: Effect.fnUntraced(function* (pattern: string) {
        if (open.size >= patternsMax) return yield* new TooManyPatterns({ limit: patternsMax })
        const member = {}
        yield* Effect.acquireRelease(
          Effect.sync(() => open.add(pattern, member)),
          () => Effect.sync(() => open.remove(pattern, member))
        )
        return yield* openHome(log, pattern, size, encode)
      })
    })
    const enter = Effect.acquireRelease(
      Effect.sync(() => void subscriptions++),
      () => Effect.sync(() => void subscriptions--)
    )

    return {
      subscribe: Effect.fnUntraced(function* (pattern: string, start: Start, subscriber: Subscriber) {
        const { ring, live } = yield* RcMap.get(homes, open.cover(pattern) ?? pattern)
        yield* enter
        let member: Live | undefined
        const join = (position: number) => {
          // Who was ahead of this home gets nothing a second time.
          member = (event) => (event.sequence > position ? subscriber.deliver(event) : undefined)
          live.add(pattern, member)
        }
        yield* Effect.addFinalizer(() => Effect.sync(() => member !== undefined && live.remove(pattern, member)))
        if (start === "new") {
          // In this order and in one go, so that no event can come before `joined`.
          subscriber.joined(ring.position)
          return join(ring.position)
        }
        yield* catchUp({ log, ring, pattern, start, subscriber, encode, matches: matcherOf(pattern), join })
      }),
      status: () => ({ subscriptions, watches: open.size })
    }
  })

const openHome = (
  log: EventLog["Service"],
  pattern: string,
  size: RingSize,
  encode: (event: PublishedEvent) => EncodedEvent | undefined
): Effect.Effect<Home, LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    let home: Home | undefined
    // What comes before it is known where the ring begins.
    const early: Array<PublishedEvent> = []
    const position = yield* log.follow(pattern, (event) => {
      if (home === undefined) early.push(event)
      else dispatch(home, encode(event))
    })
    home = { ring: new Ring(position, size.events, size.characters), live: new SubjectTrie() }
    for (const event of early) dispatch(home, encode(event))
    return home
  })

const dispatch = ({ ring, live }: Home, event: EncodedEvent | undefined): void => {
  if (event === undefined) return
  ring.add(event)
  live.match(event.subject, (deliver) => deliver(event))
}
