import type { JetStreamManager } from "@nats-io/jetstream"
import { Effect, Schedule } from "effect"
import { formatAddress } from "../address.ts"
import { LogUnavailable } from "../errors.ts"
import type { Mail } from "../log.ts"
import type { Stored } from "./direct.ts"
import { attempt } from "./stored.ts"
import type { StreamReads } from "./stream.ts"
import type { Subjects } from "./subjects.ts"

/** A reader gets no more than this at a time, in characters, but for one message. */
const CHARACTERS_MAX = 4 * 1024 * 1024
/** Most mailboxes hold little: with small pages many can be read at a time. */
const PAGE_BYTES_MAX = 256 * 1024

/** Reads the mail stored under one subject after a sequence, at most `max` messages, and fewer where they are large. */
export const readMail = (
  reads: StreamReads,
  subjects: Subjects,
  subject: string,
  after: number,
  max: number
): Effect.Effect<ReadonlyArray<Mail>, LogUnavailable> =>
  Effect.gen(function* () {
    const { reader, replicated } = reads
    // A copy of the stream may be behind: it has to have what the leader has.
    const newest = replicated() ? yield* reader.last(subject) : undefined
    const found: Array<Mail> = []
    let characters = 0
    while (found.length < max) {
      const from = (found.at(-1)?.sequence ?? after) + 1
      const wanted = { seq: from, next_by_subj: subject, batch: max - found.length }
      const page = yield* reader.page(wanted, PAGE_BYTES_MAX)
      for (const message of page.messages) {
        found.push(toMail(subjects, message))
        characters += message.payload.length
      }
      if (page.complete || page.messages.length === 0) break
      if (characters >= CHARACTERS_MAX) return found
    }
    const behind = newest !== undefined && newest.sequence > (found.at(-1)?.sequence ?? after)
    if (behind && found.length < max) return yield* new LogUnavailable({ detail: "a copy of the stream is behind" })
    return found
  }).pipe(Effect.retry(AGAIN))

/** How many messages lie in the mailboxes of a role's actors, by `type/id`. */
export const countMail = (
  manager: JetStreamManager,
  { stream, mailOfRole, parseMail }: Subjects,
  role: string
): Effect.Effect<ReadonlyMap<string, number>, LogUnavailable> =>
  attempt(async () => {
    const { state } = await manager.streams.info(stream, { subjects_filter: mailOfRole(role) })
    const counts = Object.entries(state.subjects ?? {})
    return new Map(counts.map(([subject, count]) => [formatAddress(parseMail(subject).to), count]))
  })

/** A copy that is behind catches up, or another one answers. */
const AGAIN = Schedule.spaced("50 millis").pipe(Schedule.upTo({ times: 3 }))

const toMail = (subjects: Subjects, { subject, sequence, time, payload }: Stored): Mail => ({
  ...subjects.parseMail(subject),
  sequence,
  time,
  payload
})
