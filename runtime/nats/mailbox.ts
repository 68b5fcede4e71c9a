import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream"
import type { Effect } from "effect"
import type { LogUnavailable } from "../errors.ts"
import type { Mail } from "../log.ts"
import { readAfter } from "./stored.ts"
import type { Subjects } from "./subjects.ts"

/** Reads the mail stored under one subject after a sequence, at most `max` messages. */
export const readMail = (
  manager: JetStreamManager,
  subjects: Subjects,
  subject: string,
  after: number,
  max: number
): Effect.Effect<ReadonlyArray<Mail>, LogUnavailable> =>
  readAfter({ direct: manager.direct, stream: subjects.stream, pattern: subject }, after, max, (message) =>
    toMail(subjects, message)
  )

const toMail = (subjects: Subjects, message: StoredMsg): Mail => ({
  ...subjects.parseMail(message.subject),
  sequence: message.seq,
  time: message.time.getTime(),
  payload: message.string()
})
