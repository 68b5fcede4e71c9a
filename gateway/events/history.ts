import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"
import { LogUnavailable } from "../../runtime/index.ts"
import { openConsumer, startConfig } from "./consumer.ts"
import type { History, HistoryPage, HistoryStart } from "./log.ts"
import { type Delivery, deliveryOf, type EventStream } from "./stream.ts"

const PAGE_EVENTS_MAX = 500
const PAGE_BYTES_MAX = 256 * 1024
/** The server answers a request that cannot be filled at once. */
const PAGE_TIMEOUT = "5 seconds"

/** Reads what is stored page by page, by a pull consumer: the server sends nothing that was not asked for. */
export const openHistory = (
  events: EventStream,
  pattern: string,
  start: HistoryStart,
  pageEventsMax = PAGE_EVENTS_MAX
): Effect.Effect<History, LogUnavailable, Scope.Scope> =>
  Effect.map(openConsumer(events, pattern, { ...startConfig(start), max_waiting: 2 }), ({ name }) => {
    let order = 0
    const check = (page: ReadonlyArray<Delivery>): Effect.Effect<HistoryPage, LogUnavailable> => {
      if (!page.every((delivery) => delivery.order === ++order)) return unavailable("a page of history with a gap")
      const last = page.at(-1)
      return Effect.succeed({ events: page, complete: last === undefined || last.pending === 0 })
    }
    const page = readPage(events, name, { batch: pageEventsMax, max_bytes: PAGE_BYTES_MAX })
    // One event may be larger than a page.
    const whole = Effect.catchTag(page, "PageTooSmall", () =>
      Effect.catchTag(readPage(events, name, { batch: 1 }), "PageTooSmall", () => unavailable("an event is too large"))
    )
    return { next: Effect.flatMap(whole, check) }
  })

const unavailable = (detail: string) => Effect.fail(new LogUnavailable({ detail }))

type PageFailure = LogUnavailable | { readonly _tag: "PageTooSmall" }

const readPage = (
  { connection, stream, prefix }: EventStream,
  consumer: string,
  request: { readonly batch: number; readonly max_bytes?: number }
): Effect.Effect<ReadonlyArray<Delivery>, PageFailure> =>
  Effect.suspend(() => {
    let subscription: Subscription | undefined
    const page = Effect.callback<ReadonlyArray<Delivery>, PageFailure>((resume) => {
      const found: Array<Delivery> = []
      const take = (message: Msg) => {
        const code = message.headers?.code ?? 0
        if (code === 0) {
          found.push(deliveryOf(prefix, message))
          if (found.length === request.batch) resume(Effect.succeed(found))
          return
        }
        const { description = "" } = message.headers ?? {}
        const full = code === 409 && /max ?bytes/i.test(description)
        if (full && found.length === 0) return resume(Effect.fail({ _tag: "PageTooSmall" }))
        // 404: there is nothing, or nothing more. 408: the request ends.
        if (code === 404 || code === 408 || full) return resume(Effect.succeed(found))
        resume(unavailable(`${code} ${description}`))
      }
      const inbox = createInbox()
      subscription = connection.subscribe(inbox, {
        callback: (error, message) => (error === null ? take(message) : resume(unavailable(error.message)))
      })
      const asked = JSON.stringify({ ...request, no_wait: true })
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, asked, { reply: inbox })
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
