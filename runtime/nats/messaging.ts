import type { MsgHdrs } from "@nats-io/transport-node"
import { Effect } from "effect"
import { LogRefused, LogUnavailable } from "../errors.ts"
import type { Messaging } from "../log.ts"
import type { Nats } from "./connection.ts"
import { inboxName, secretId } from "./inbox.ts"
import type { Subjects } from "./subjects.ts"

/** Where answers to a process's asks go: below the name of its user, whose alone they are. */
export const newInbox = ({ options }: Nats["Service"], subjects: Subjects): string => {
  const name = inboxName(options)
  return subjects.inbox(name === undefined ? secretId() : `${name}.${secretId()}`)
}

/** What is said and heard without being stored: answers to asks, and words to everybody. */
export const makeMessaging = (nats: Nats["Service"], subjects: Subjects, inbox: string): Messaging => {
  const say = (subject: string, payload: string) => {
    try {
      nats.connection.publish(subject, payload)
    } catch {
      // The connection is closed: nobody is there.
    }
  }
  return {
    inbox,
    // Who asks names the subject: another one would be written to with our rights.
    answer: (to, payload) => (subjects.isInbox(to) ? say(to, payload) : undefined),
    answers: (take) => subscribe(nats, inbox, (message) => take(message.string())),
    broadcast: (payload) => say(subjects.broadcast, payload),
    broadcasts: (hear) => subscribe(nats, subjects.broadcast, (message) => hear(message.string()))
  }
}

/**
 * Calls `see` for each message under a subject, until the scope closes. It is heard from when this returns.
 *
 * Fails with `LogRefused` where this user may not hear it: who then sent something would wait in vain for what comes of it.
 */
export const subscribe = (
  nats: Nats["Service"],
  subject: string,
  see: (message: { subject: string; headers?: MsgHdrs; string: () => string }) => void
) =>
  Effect.gen(function* () {
    const log = Effect.runForkWith(yield* Effect.context<never>())
    let refusal: string | undefined
    // What a callback throws would end the library's reading of the connection.
    const seeSafely = (message: Parameters<typeof see>[0]) => {
      try {
        see(message)
      } catch (defect) {
        log(Effect.logError("a subscriber failed", { subject, reason: String(defect) }))
      }
    }
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        nats.connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) seeSafely(message)
            else refusal = error.message
          }
        })
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
    // Whoever sends next must find the subscription in place; the server refuses one before it answers this.
    yield* Effect.tryPromise({
      try: () => nats.connection.flush(),
      catch: (cause) => new LogUnavailable({ detail: String(cause) })
    })
    if (refusal !== undefined) return yield* new LogRefused({ code: FORBIDDEN, detail: refusal })
  })

const FORBIDDEN = 403
