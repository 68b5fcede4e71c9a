import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream"
import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { Mail } from "../log.ts"
import type { Subjects } from "./subjects.ts"

/** Reads the mail stored under one subject after a sequence, at most `max` messages. */
export const readMail = (
  manager: JetStreamManager,
  subjects: Subjects,
  subject: string,
  after: number,
  max: number
): Effect.Effect<ReadonlyArray<Mail>, LogUnavailable> =>
  Effect.tryPromise({
    try: async () => {
      const found: Array<Mail> = []
      try {
        const query = { seq: after + 1, next_by_subj: subject, batch: max }
        for await (const message of await manager.direct.getBatch(subjects.stream, query)) {
          found.push(toMail(subjects, message))
        }
      } catch (cause) {
        if (!isNotFound(cause)) throw cause
      }
      return found
    },
    catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

/** The server's answer where there is nothing at all. */
const isNotFound = (cause: unknown): boolean => cause instanceof Error && cause.message.includes("message not found")

const toMail = (subjects: Subjects, message: StoredMsg): Mail => ({
  ...subjects.parseMail(message.subject),
  sequence: message.seq,
  time: message.time.getTime(),
  payload: message.string()
})
