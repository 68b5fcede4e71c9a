import { type Context, Effect } from "effect"
import { EventReads, type PublishedEvent } from "../../runtime/index.ts"
import type { Link } from "./link.ts"
import type { SimulatedServer } from "./server.ts"

const AGAIN = "100 millis"

/** One process's reading of events from a server, by its link. */
export const makeEventReads = (server: SimulatedServer, link: Link): Context.Service.Shape<typeof EventReads> => {
  const { events } = server
  return EventReads.of({
    page: (pattern, from, max, bytesMax) =>
      link.call("events", (answer) => answer(events.page(pattern, from, max, bytesMax))),
    newest: (patterns, bytesMax) => link.call("events", (answer) => answer(events.newest(patterns, bytesMax))),
    last: (pattern) => link.call("events", (answer) => answer(events.last(pattern))),
    subjects: (pattern, offset) => link.call("events", (answer) => answer(events.subjects(pattern, offset))),
    state: link.call("events", (answer) => answer(events.state())),
    follow: (pattern, see) =>
      Effect.gen(function* () {
        const from = yield* link.call<number>("watch", (answer) => answer(server.store.lastSequence))
        let cursor = from
        const pull = Effect.suspend(() =>
          link.call<ReadonlyArray<PublishedEvent>>("pull", (answer) => server.pullEvents(pattern, cursor, answer))
        )
        const show = (came: ReadonlyArray<PublishedEvent>) => {
          for (const event of came) {
            cursor = event.sequence
            see(event)
          }
        }
        // What was asked in vain is asked again.
        const step = Effect.catch(Effect.map(pull, show), () => Effect.sleep(AGAIN))
        yield* Effect.forkScoped(Effect.forever(step))
        return from
      })
  })
}
