import { Context, type Effect, type Scope } from "effect"
import type { LogUnavailable } from "../errors.ts"
import type { PublishedEvent } from "../log.ts"

/** Where a reading of history begins. Times in milliseconds since 1970. */
export type HistoryStart =
  /** The newest event of each subject. */
  | { readonly from: "last" }
  /** That sequence, or the first after it. */
  | { readonly from: "sequence"; readonly sequence: number }
  | { readonly from: "time"; readonly time: number }

/** Some events in order. */
export interface HistoryPage {
  readonly events: ReadonlyArray<PublishedEvent>
  /** Every event up to the sequence that was asked for is in this page or in an earlier one. */
  readonly complete: boolean
}

/**
 * A reading of stored events. It never ends: after a complete page the next one holds what was stored since.
 *
 * `upTo` is a sequence that the log is known to have reached. A copy of the log may be behind it, and its silence says
 * nothing: a page is complete only if the copy that gave it has come so far, and one that does not come so far fails.
 */
export interface History {
  readonly next: (upTo: number) => Effect.Effect<HistoryPage, LogUnavailable>
  /** What was read already and is in no page yet. */
  readonly heldBytes: () => number
}

/** What is kept of events. */
export interface Retention {
  /** The sequence from which on all events are kept; one more than `last` if there is none. */
  readonly first: number
  /** The last sequence of the stream, whatever has it. */
  readonly last: number
}

/**
 * The events of a namespace as a gateway reads them, and nothing else of it: no mailbox, no journal.
 *
 * Patterns and subjects are those of events, `decision.AAPL.*`, without the namespace.
 */
export class EventLog extends Context.Service<
  EventLog,
  {
    /**
     * Shows every event under a pattern that is stored after the sequence that it returns: each once, in order, until
     * the scope closes. A lost connection delays events and loses none.
     */
    readonly follow: (
      pattern: string,
      see: (event: PublishedEvent) => void
    ) => Effect.Effect<number, LogUnavailable, Scope.Scope>

    /** Begins a reading of what is stored under a pattern. Nothing of it is held on the server. */
    readonly history: (pattern: string, start: HistoryStart) => History

    /** What is kept now of the events under a pattern. */
    readonly kept: (pattern: string) => Effect.Effect<Retention, LogUnavailable>
  }
>()("conclave/runtime/EventLog") {}
