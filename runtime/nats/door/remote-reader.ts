import { Effect } from "effect"
import { LogUnavailable } from "../../errors.ts"
import type { Stored } from "../direct.ts"
import { LIST_TIMEOUT_MILLIS, type StreamReader } from "../reader.ts"
import type { Answered, Ask } from "./ask.ts"
import {
  type Failure,
  type Message,
  type Of,
  PageAnswer,
  type ReadAsked,
  StateAnswer,
  SubjectsAnswer
} from "./words.ts"

const PAGE_BYTES_MAX = 512 * 1024
/** What a question takes to a node and back, beside what is done there. */
const WAY_MILLIS = 1_000

/** Reads a stream by a node, which has the rights to. */
export const remoteReader = (ask: Ask, of: Of): StreamReader => {
  const asking = (head: ReadAsked) => ({ head, parts: [] })
  return {
    page: (request, bytes = PAGE_BYTES_MAX) =>
      ask(asking({ op: "page", of, request, bytes }), PageAnswer).pipe(
        Effect.map((answer) => ({
          messages: messagesIn(answer),
          complete: answer.head.complete,
          upTo: answer.head.upTo
        })),
        Effect.mapError(unread)
      ),
    last: (subject) =>
      ask(asking({ op: "last", of, subject }), PageAnswer).pipe(
        Effect.map((answer) => messagesIn(answer)[0]),
        Effect.mapError(unread)
      ),
    state: ask(asking({ op: "state", of }), StateAnswer).pipe(
      Effect.map(({ head }) => head),
      Effect.mapError(unread)
    ),
    subjects: (pattern, offset) =>
      ask(asking({ op: "subjects", of, pattern, offset }), SubjectsAnswer, LIST_TIMEOUT_MILLIS + WAY_MILLIS).pipe(
        Effect.map(({ head }) => ({ names: head.names, next: head.next })),
        Effect.mapError(unread)
      )
  }
}

/** Whatever it is: what was to be read is not known. */
export const unread = (failure: Failure): LogUnavailable =>
  failure._tag === "LogUnavailable"
    ? failure
    : new LogUnavailable({ detail: "detail" in failure ? failure.detail : failure.message })

const messagesIn = ({ head, parts }: Answered<typeof PageAnswer.Type>): ReadonlyArray<Stored> =>
  head.messages.map((message, index) => toStored(message, parts[index] ?? ""))

const toStored = ({ headers, ...message }: typeof Message.Type, payload: string): Stored => ({
  ...message,
  payload,
  header: (name) => headers[name] ?? ""
})
