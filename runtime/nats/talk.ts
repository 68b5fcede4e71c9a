import type { MsgHdrs } from "@nats-io/transport-node"
import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { ActorLog } from "../log.ts"
import type { Nats } from "./connection.ts"
import type { Subjects } from "./subjects.ts"

/** What is said and heard without being stored: answers to asks, and words to everybody. */
export const makeTalk = (
  nats: Nats["Service"],
  subjects: Subjects,
  inbox: string
): Pick<ActorLog["Service"], "inbox" | "answer" | "answers" | "broadcast" | "broadcasts"> => {
  const say = (subject: string, payload: string) => {
    try {
      nats.connection.publish(subject, payload)
    } catch {
      // The asker named an inbox that is none, or the connection is closed: nobody is there.
    }
  }
  return {
    inbox,
    answer: say,
    answers: (take) => subscribe(nats, inbox, (message) => take(message.string())),
    broadcast: (payload) => say(subjects.broadcast, payload),
    broadcasts: (hear) => subscribe(nats, subjects.broadcast, (message) => hear(message.string()))
  }
}

/** Calls `see` for each message under a subject, until the scope closes. It is heard from when this returns. */
export const subscribe = (
  nats: Nats["Service"],
  subject: string,
  see: (message: { subject: string; headers?: MsgHdrs; string: () => string }) => void
) =>
  Effect.flatMap(Effect.context<never>(), (services) => {
    // What a callback throws would end the library's reading of the connection.
    const seeSafely = (message: Parameters<typeof see>[0]) => {
      try {
        see(message)
      } catch (defect) {
        Effect.runForkWith(services)(Effect.logError("a subscriber failed", { subject, reason: String(defect) }))
      }
    }
    return Effect.acquireRelease(
      Effect.sync(() =>
        nats.connection.subscribe(subject, {
          callback: (error, message) => (error === null ? seeSafely(message) : undefined)
        })
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
  }).pipe(
    // Whoever sends next must find the subscription in place.
    Effect.andThen(
      Effect.tryPromise({
        try: () => nats.connection.flush(),
        catch: (cause) => new LogUnavailable({ detail: String(cause) })
      })
    )
  )
