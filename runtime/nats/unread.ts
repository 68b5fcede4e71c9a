import { JetStreamApiError } from "@nats-io/jetstream"
import { Clock, Effect } from "effect"
import { elapsedBy } from "../elapsed.ts"
import { alertEntry } from "../engine/signals/alert.ts"
import type { AppendError } from "../errors.ts"
import type { Entry } from "../log.ts"
import { Recurring } from "../recurring.ts"
import { betweenLeaders } from "./batch.ts"

/** A server that restarts, or elects a leader, takes as long. */
const PATIENCE_MILLIS = 5_000
const UNREAD = "the mail of this node's actors cannot be read: they do nothing"

interface Trouble {
  readonly since: number
  readonly detail: string
  /** It is not of the kind that passes, or has lasted. */
  said: boolean
}

/** Whether the mail of a node can be read. A node that cannot looks alive, holds its shards, and decides nothing. */
export class Unread {
  readonly #append: (group: ReadonlyArray<Entry>) => Effect.Effect<unknown, AppendError>
  readonly #recurring = new Recurring()
  #trouble: Trouble | undefined
  /** An alert of it is stored. */
  #told = false

  constructor(append: (group: ReadonlyArray<Entry>) => Effect.Effect<unknown, AppendError>) {
    this.#append = append
  }

  /** Why no mail comes; nothing if all is well, or may be soon. */
  get detail(): string | undefined {
    return this.#trouble?.said === true ? this.#trouble.detail : undefined
  }

  /** The server gives no consumer. Says so in the log and, the first time, to everybody. */
  refused(cause: unknown): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const clock = yield* Clock.Clock
      const now = elapsedBy(clock)()
      const reason = cause instanceof Error ? cause.message : String(cause)
      const trouble: Trouble = {
        since: this.#trouble?.since ?? now,
        said: this.#trouble?.said ?? false,
        detail: `${UNREAD}: the server gives no consumer (${reason})`
      }
      this.#trouble = trouble
      const lasts = cause instanceof JetStreamApiError && !betweenLeaders(cause.code)
      if (!lasts && now - trouble.since < PATIENCE_MILLIS) return
      yield* this.#recurring.say("Error", UNREAD, { reason })
      trouble.said = true
      if (this.#told) return
      const alert = { severity: "critical", code: "mail_unread", message: trouble.detail } as const
      const entry = alertEntry({ ...alert, at: clock.currentTimeMillisUnsafe() }, { reason })
      yield* this.#append([entry]).pipe(
        Effect.map(() => {
          this.#told = true
        }),
        Effect.ignore
      )
    })
  }

  /** Mail comes, or none is wanted any more. */
  readonly over: Effect.Effect<void> = Effect.suspend(() => {
    const said = this.#trouble?.said === true
    this.#trouble = undefined
    this.#told = false
    this.#recurring.over(UNREAD)
    return said ? Effect.logWarning("the mail of this node's actors can be read again") : Effect.void
  })
}
