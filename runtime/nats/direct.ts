import type { JetStreamManager } from "@nats-io/jetstream"
import type { Msg, MsgHdrs, NatsConnection, Subscription } from "@nats-io/transport-node"
import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import { unlessLost } from "./disconnect.ts"
import { inboxOf } from "./inbox.ts"

/** A message as it is stored. `time` is when, in milliseconds since 1970. */
export interface Stored {
  readonly subject: string
  readonly sequence: number
  readonly time: number
  readonly header: (name: string) => string
  readonly payload: string
  /** How many messages that were asked for follow it; 0 where that is not known. */
  readonly pending: number
}

/** What one request gave. */
export interface DirectPage {
  readonly messages: ReadonlyArray<Stored>
  /** Nothing that was asked for is left. */
  readonly complete: boolean
  /** The last sequence of the copy that answered; not known where it found nothing. */
  readonly upTo: number | undefined
}

/**
 * What of a stream to read: of some subjects the newest message each, or of one subject, or of all, all from a sequence or a
 * time (ISO 8601) on.
 */
export type DirectRequest =
  | { readonly multi_last: ReadonlyArray<string>; readonly batch: number }
  | { readonly seq: number; readonly next_by_subj?: string; readonly batch: number }
  | { readonly start_time: string; readonly next_by_subj: string; readonly batch: number }

/** What the server says where more subjects match than it gives newest messages of. */
export const TOO_MANY = "413"

const READ_TIMEOUT = "5 seconds"
/** A page ends at this size unless less is asked for, so that it comes in time over a slow way too; the rest is asked for again. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024

/**
 * Reads a stream by direct get: many messages with one request, from any copy of the stream, which may be behind.
 *
 * The library waits for ever for the rest of a page whose server died in the middle, and takes a page with a gap for a
 * whole one. Here both fail, as does an answer that does not end in time.
 */
export const readPage = (
  connection: NatsConnection,
  stream: string,
  request: DirectRequest,
  bytesMax = PAGE_BYTES_MAX
): Effect.Effect<DirectPage, LogUnavailable> =>
  unlessLost(connection, awaitPage(connection, stream, request, bytesMax)).pipe(
    Effect.timeoutOrElse({
      duration: READ_TIMEOUT,
      orElse: () => Effect.fail(new LogUnavailable({ detail: "a page did not come in time" }))
    })
  )

const awaitPage = (
  connection: NatsConnection,
  stream: string,
  request: DirectRequest,
  bytesMax: number
): Effect.Effect<DirectPage, LogUnavailable> =>
  Effect.suspend(() => {
    let subscription: Subscription | undefined
    const page = Effect.callback<DirectPage, LogUnavailable>((resume) => {
      const inbox = inboxOf(connection)
      const take = collect(request, resume)
      try {
        subscription = connection.subscribe(inbox, {
          callback: (error, message) => (error === null ? take(message) : resume(unavailable(error.message)))
        })
        const asked = JSON.stringify({ ...request, max_bytes: bytesMax })
        connection.publish(`$JS.API.DIRECT.GET.${stream}`, asked, { reply: inbox })
      } catch (cause) {
        resume(unavailable(String(cause)))
      }
    })
    // However it ends: a subscription that is left behind keeps its page.
    return Effect.ensuring(
      page,
      Effect.sync(() => subscription?.unsubscribe())
    )
  })

const unavailable = (detail: string) => Effect.fail(new LogUnavailable({ detail }))

/** Takes the answers to a request one by one, and resumes with the page or what is wrong with it. */
const collect = (request: DirectRequest, resume: (page: Effect.Effect<DirectPage, LogUnavailable>) => void) => {
  const messages: Array<Stored> = []
  return (message: Msg): void => {
    const { headers } = message
    const code = headers?.code ?? 0
    if (headers === undefined) return resume(unavailable("an answer without headers"))
    if (code === 404 && isNothing(request, headers, messages.length)) {
      return resume(Effect.succeed({ messages: [], complete: true, upTo: undefined }))
    }
    if (code !== 0 && code !== 204) return resume(unavailable(`${code} ${headers.description}`))
    // Each says which one came before it.
    const before = messages.at(-1)?.sequence ?? 0
    if (numberIn(headers, "Nats-Last-Sequence") !== before) return resume(unavailable("a page with a gap"))
    if (code === 0) return void messages.push(toStored(message, headers))
    const upTo = headers.has("Nats-UpTo-Sequence") ? numberIn(headers, "Nats-UpTo-Sequence") : undefined
    resume(Effect.succeed({ messages, complete: numberIn(headers, "Nats-Num-Pending") === 0, upTo }))
  }
}

/** The same code says that there is nothing, and that the server could not load what there is. */
const isNothing = (request: DirectRequest, headers: MsgHdrs, seen: number): boolean =>
  seen === 0 && (!("multi_last" in request) || headers.description === "No Results")

/** The newest message of a subject as the stream's leader has it, which is never behind; nothing if there is none. */
export const readLast = (
  manager: JetStreamManager,
  stream: string,
  subject: string
): Effect.Effect<Stored | undefined, LogUnavailable> =>
  asking(() => manager.streams.getMessage(stream, { last_by_subj: subject })).pipe(
    Effect.map((message) =>
      message === null
        ? undefined
        : {
            subject: message.subject,
            sequence: message.seq,
            time: message.time.getTime(),
            header: (name) => message.header.get(name),
            payload: message.string(),
            pending: 0
          }
    )
  )

/** A request whose failure says nothing of what is stored. */
export const asking = <A>(ask: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
  Effect.tryPromise({
    try: ask,
    catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

const numberIn = (headers: MsgHdrs, name: string): number => Number(headers.last(name))

/** The server adds what it says to the headers that the message came with, so that its own are the last of their names. */
const toStored = (message: Msg, headers: MsgHdrs): Stored => ({
  subject: headers.last("Nats-Subject"),
  sequence: numberIn(headers, "Nats-Sequence"),
  time: Date.parse(headers.last("Nats-Time-Stamp")),
  header: (name) => headers.get(name),
  payload: message.string(),
  pending: numberIn(headers, "Nats-Num-Pending") || 0
})
