import { Context, type Effect, type Scope } from "effect"
import type { LogUnavailable } from "../errors.ts"
import type { PublishedEvent } from "../log.ts"

/** Where a page of events begins: at a sequence or the first after it, or at a time, in milliseconds since 1970. */
export type EventFrom = { readonly sequence: number } | { readonly time: number }

/** Some events in order, as one copy of the log had them. */
export interface EventPage {
  readonly events: ReadonlyArray<PublishedEvent>
  /** That copy had nothing left of what was asked for. It may be behind. */
  readonly complete: boolean
  /** How far that copy was; known only of the newest events, and only where there were any. */
  readonly upTo: number | undefined
}

/** What the leader of the log says of it. Times in milliseconds since 1970. */
export interface EventState {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly time: number
  readonly created: number
  /** Any of several copies may be behind. */
  readonly copies: number
  /** For how long events under a pattern are kept at the least, in seconds; nothing where that is not known. */
  readonly keptSeconds: (pattern: string) => number | undefined
}

/**
 * Reads published events, and nothing else of the log. Patterns and subjects are those of events, `decision.AAPL.*`.
 *
 * Whatever is read leaves nothing behind on the server. Only `follow` costs it something for as long as it goes on.
 */
export class EventReads extends Context.Service<
  EventReads,
  {
    /** At most `max` events of a pattern, and about `bytesMax` of them, oldest first. */
    readonly page: (
      pattern: string,
      from: EventFrom,
      max: number,
      bytesMax: number
    ) => Effect.Effect<EventPage, LogUnavailable>

    /**
     * The newest event of each subject under some patterns, about `bytesMax` of them and one at least; `undefined` where the subjects are
     * too many for one request.
     */
    readonly newest: (
      patterns: ReadonlyArray<string>,
      bytesMax: number
    ) => Effect.Effect<EventPage | undefined, LogUnavailable>

    /** The newest event under a pattern as the leader has it. */
    readonly last: (
      pattern: string
    ) => Effect.Effect<{ readonly sequence: number; readonly time: number } | undefined, LogUnavailable>

    /** The subjects under a pattern, from a place on, and where the next begin. */
    readonly subjects: (
      pattern: string,
      offset: number
    ) => Effect.Effect<{ readonly names: ReadonlyArray<string>; readonly next: number | undefined }, LogUnavailable>

    readonly state: Effect.Effect<EventState, LogUnavailable>

    /**
     * Shows every event under a pattern that is stored after the sequence that it returns: each once, in order, until
     * the scope closes. A lost connection delays events and loses none.
     */
    readonly follow: (
      pattern: string,
      see: (event: PublishedEvent) => void
    ) => Effect.Effect<number, LogUnavailable, Scope.Scope>
  }
>()("conclave/runtime/EventReads") {}
