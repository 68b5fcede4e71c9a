import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"
import { LogUnavailable } from "../../runtime/index.ts"
import { openConsumer, startConfig } from "./consumer.ts"
import type { History, HistoryPage, HistoryStart } from "./log.ts"
import { type Delivery, deliveryOf, type EventStream } from "./stream.ts"

const PAGE_EVENTS_MAX = 500
const PAGE_BYTES_MAX = 256 * 1024
/** How often the server says how far it has looked, while it has nothing to send. */
const HEARTBEAT_MILLIS = 20
/** How long a copy that is behind may take to come as far as it has to. */
const BEHIND_MILLIS = 2_000
/** The server ends a request by itself, unless it is gone. */
const PAGE_TIMEOUT = "5 seconds"

/**
 * Reads what is stored page by page, by a pull consumer: the server sends nothing that was not asked for.
 *
 * Of a stream with copies the consumer reads the one of its own server, whichever that is, and a copy that is behind has
 * nothing more to give before it has everything. How far it has looked stands in the heartbeats of a request that waits.
 */
export const openHistory = (
  events: EventStream,
  pattern: string,
  start: HistoryStart,
  pageEventsMax = PAGE_EVENTS_MAX
): Effect.Effect<History, LogUnavailable, Scope.Scope> =>
  Effect.map(openConsumer(events, pattern, { ...startConfig(start), max_waiting: 2 }), ({ name }) => {
    let order = 0
    const pageOf = (batch: number, upTo: number, bytesMax?: number) =>
      readPage(events, { consumer: name, batch, bytesMax, upTo, after: order })
    const count = (page: HistoryPage): HistoryPage => {
      order += page.events.length
      return page
    }
    return {
      next: (upTo) =>
        pageOf(pageEventsMax, upTo, PAGE_BYTES_MAX).pipe(
          // One event may be larger than a page.
          Effect.catchTag("PageTooSmall", () => pageOf(1, upTo)),
          Effect.catchTag("PageTooSmall", () => unavailable("an event is too large")),
          Effect.map(count)
        )
    }
  })

const unavailable = (detail: string) => Effect.fail(new LogUnavailable({ detail }))

type PageFailure = LogUnavailable | { readonly _tag: "PageTooSmall" }

interface PageRequest {
  readonly consumer: string
  readonly batch: number
  readonly bytesMax: number | undefined
  /** The page may end where everything up to this sequence was looked at. */
  readonly upTo: number
  /** How many events the consumer has sent before. */
  readonly after: number
}

const readPage = (events: EventStream, request: PageRequest): Effect.Effect<HistoryPage, PageFailure> =>
  Effect.suspend(() => {
    const { connection, stream, prefix } = events
    const { consumer, batch, bytesMax } = request
    let subscription: Subscription | undefined
    const page = Effect.callback<HistoryPage, PageFailure>((resume) => {
      const inbox = createInbox()
      const take = collect(prefix, request, resume)
      subscription = connection.subscribe(inbox, {
        callback: (error, message) => (error === null ? take(message) : resume(unavailable(error.message)))
      })
      const asked = {
        batch,
        ...(bytesMax !== undefined && { max_bytes: bytesMax }),
        expires: BEHIND_MILLIS * NANOS,
        idle_heartbeat: HEARTBEAT_MILLIS * NANOS
      }
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(asked), { reply: inbox })
    })
    return Effect.ensuring(
      page,
      Effect.sync(() => subscription?.unsubscribe())
    )
  }).pipe(
    Effect.timeoutOrElse({
      duration: PAGE_TIMEOUT,
      orElse: () => unavailable("a page of history did not come in time")
    })
  )

const NANOS = 1_000_000

/** Takes what comes for a request, and resumes with the page or what is wrong with it. */
const collect = (
  prefix: string,
  { batch, upTo, after }: PageRequest,
  resume: (page: Effect.Effect<HistoryPage, PageFailure>) => void
) => {
  const found: Array<Delivery> = []
  const end = (complete: boolean) => resume(Effect.succeed({ events: found, complete }))
  const takeEvent = (message: Msg): void => {
    const delivery = deliveryOf(prefix, message)
    if (delivery.order !== after + found.length + 1) return resume(unavailable("a page of history with a gap"))
    found.push(delivery)
    const complete = delivery.sequence >= upTo
    if (complete || found.length === batch) end(complete)
  }
  return (message: Msg): void => {
    const { code = 0, description = "" } = message.headers ?? {}
    if (code === 0) return takeEvent(message)
    if (code === 100) {
      if (numberIn(message, "Nats-Last-Consumer") !== after + found.length) {
        return resume(unavailable("a page of history with a gap"))
      }
      return numberIn(message, "Nats-Last-Stream") >= upTo ? end(true) : undefined
    }
    const full = code === 409 && /max ?bytes/i.test(description)
    if (found.length > 0 && (full || code === 408)) return end(false)
    if (full) return resume(Effect.fail({ _tag: "PageTooSmall" }))
    resume(unavailable(code === 408 ? "the copy of the log that is read is behind" : `${code} ${description}`))
  }
}

const numberIn = ({ headers }: Msg, name: string): number => Number(headers?.get(name))
