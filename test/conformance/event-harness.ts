import { Context, Effect, type Scope } from "effect"
import type { EventLog, PublishedEvent } from "../../runtime/index.ts"
import type { Log } from "./harness.ts"

export interface Events {
  /** Stores into the namespace whose events are read. */
  readonly append: Log["append"]
  readonly log: EventLog["Service"]
}

/** What the suite needs of a way to read events. Whoever gives it also says what time is. */
export class EventHarness extends Context.Service<
  EventHarness,
  {
    /** A namespace of its own, and its events. */
    readonly open: (namespace: string) => Effect.Effect<Events, unknown, Scope.Scope>
    /** Runs something while a copy of the log gets nothing, and gets it some time later; where there are copies. */
    readonly whileBehind: <A, E>(namespace: string, run: Effect.Effect<A, E>) => Effect.Effect<A, unknown>
    readonly sleep: (millis: number) => Effect.Effect<void>
    /** The time now, in milliseconds since 1970, as the log counts it. */
    readonly now: Effect.Effect<number>
  }
>()("conclave/test/conformance/EventHarness") {}

export type EventTruths = Readonly<Record<string, Effect.Effect<void, unknown, EventHarness | Scope.Scope>>>

let namespaces = 0

/** Events that nobody else stores or reads, and the name of their namespace. */
export const freshEvents = Effect.suspend(() => {
  const namespace = `e${++namespaces}`
  return EventHarness.use(({ open }) => Effect.map(open(namespace), (events) => ({ ...events, namespace })))
})

/** How often a page is asked for again whose copy is behind: the log fails rather than call it complete. */
export const PATIENCE = { times: 20 }

/** All pages up to a complete one. */
export const readAll = (
  log: Events["log"],
  pattern: string,
  start: Parameters<Events["log"]["history"]>[1],
  upTo: number
) =>
  Effect.gen(function* () {
    const history = log.history(pattern, start)
    const found: Array<PublishedEvent> = []
    while (true) {
      const { events, complete } = yield* Effect.retry(history.next(upTo), PATIENCE)
      found.push(...events)
      if (complete) return { found, sequences: found.map(({ sequence }) => sequence), history }
    }
  })

/** Both ends included. */
export const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)
