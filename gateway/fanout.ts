import { Effect, RcMap, Result, Schema, type Scope } from "effect"
import { ActorLog, type PublishedEvent, type ReadError } from "../runtime/index.ts"
import { SubjectTrie } from "./trie.ts"

/**
 * Events from the log to subscriptions: few watches, many subscribers.
 *
 * Owns the watches. Each subscription has one *home* for its whole life, the watch that serves it: that of its own
 * pattern, or one open already whose pattern covers it (`decision.>` covers `decision.AAPL.*`).
 *
 * 1. A subscription gets each event once, and in the order of the log, whatever else is watched: only its home serves
 *    it. Patterns that merely overlap make the log deliver an event to two homes, and each serves its own. Were the
 *    first copy dispatched to all who match and the others dropped, a watch that is ahead would carry a subscription
 *    past an event that only its own watch brings, and a client that resumes from its last sequence would lose it.
 * 2. There is at most one watch per distinct pattern wanted, and it ends with the last subscription it serves. The
 *    price of a shared home: a wide watch stays while a narrow pattern still lives on it.
 * 3. An event is turned into text once, however many homes and subscribers it has.
 */
export interface Fanout {
  /**
   * Serves a subscriber with the events of a pattern that are stored from now on, until the scope closes. After that
   * it gets nothing more.
   */
  readonly subscribe: (pattern: string, subscriber: Subscriber) => Effect.Effect<void, ReadError, Scope.Scope>
  readonly status: () => { readonly subscriptions: number; readonly watches: number }
}

/** Who wants events. Both are called from the log's callback: they must neither throw nor wait. */
export interface Subscriber {
  /** Once, before the first event. */
  readonly joined: () => void
  readonly deliver: (event: EncodedEvent) => void
}

/** An event as a frame without its end: whoever sends it adds its own last keys and the brace. */
export interface EncodedEvent {
  readonly subject: string
  readonly sequence: number
  readonly opening: string
}

interface Home {
  readonly subscribers: SubjectTrie<Subscriber>
}

/** A fanout that lives as long as the scope. */
export const makeFanout: Effect.Effect<Fanout, never, ActorLog | Scope.Scope> = Effect.gen(function* () {
  const log = yield* ActorLog
  const encode = encoderOf(Effect.runForkWith(yield* Effect.context()))
  const open = new SubjectTrie<Home>()
  let subscriptions = 0

  const homes = yield* RcMap.make({
    lookup: Effect.fnUntraced(function* (pattern: string) {
      const home: Home = { subscribers: new SubjectTrie() }
      yield* Effect.acquireRelease(
        Effect.sync(() => open.add(pattern, home)),
        () => Effect.sync(() => open.remove(pattern, home))
      )
      yield* log.watch(pattern, (event) => dispatch(home, encode(event)))
      return home
    })
  })

  return {
    subscribe: Effect.fnUntraced(function* (pattern: string, subscriber: Subscriber) {
      const home = yield* RcMap.get(homes, open.cover(pattern) ?? pattern)
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          // In this order and in one go, so that no event can come before `joined`.
          subscriber.joined()
          home.subscribers.add(pattern, subscriber)
          subscriptions++
        }),
        () =>
          Effect.sync(() => {
            home.subscribers.remove(pattern, subscriber)
            subscriptions--
          })
      )
    }),
    status: () => ({ subscriptions, watches: open.size })
  }
})

const dispatch = (home: Home, event: EncodedEvent | undefined): void => {
  if (event === undefined) return
  home.subscribers.match(event.subject, (subscriber) => subscriber.deliver(event))
}

const Payload = Schema.fromJsonString(
  Schema.Struct({ type: Schema.NonEmptyString, data: Schema.Record(Schema.String, Schema.Unknown) })
)
const decodePayload = Schema.decodeUnknownResult(Payload)

// Copies of an event come close together, so a few are enough; one that is missed costs time only.
const RECENT_EVENTS = 64

/** Encodes events, remembering the last ones. What is no event of ours is logged once and skipped. */
const encoderOf = (run: (effect: Effect.Effect<void>) => unknown) => {
  const recent = new Map<number, EncodedEvent | undefined>()
  return (event: PublishedEvent): EncodedEvent | undefined => {
    if (recent.has(event.sequence)) return recent.get(event.sequence)
    const encoded = encodeEvent(event)
    if (encoded === undefined) {
      run(
        Effect.logWarning("event skipped: its payload is not a type and data").pipe(
          Effect.annotateLogs({ subject: event.subject, sequence: event.sequence })
        )
      )
    }
    recent.set(event.sequence, encoded)
    if (recent.size > RECENT_EVENTS) {
      for (const oldest of recent.keys()) {
        recent.delete(oldest)
        break
      }
    }
    return encoded
  }
}

const encodeEvent = (event: PublishedEvent): EncodedEvent | undefined => {
  const payload = decodePayload(event.payload)
  if (Result.isFailure(payload)) return undefined
  const { type, data } = payload.success
  const [typeText, subjectText, dataText] = [type, event.subject, data].map((value) => JSON.stringify(value))
  const opening = `{"type":${typeText},"seq":${event.sequence},"subject":${subjectText},"data":${dataText}`
  return { subject: event.subject, sequence: event.sequence, opening }
}
