import { Effect } from "effect"
import type { ReadError } from "../errors.ts"
import type { Membership } from "../leases.ts"
import { KeyView } from "./membership.ts"
import type { StreamReader } from "./reader.ts"
import { readAfter } from "./stored.ts"
import type { Subjects } from "./subjects.ts"

/** How long a node lives that does not say so, in milliseconds. */
const TTL_MILLIS = 5_000

/** Who is alive, and who holds what, as the bucket of leases has it now. It only reads: nothing is left on the server. */
export const readMembership = (reader: StreamReader, { keyOfLease }: Subjects): Effect.Effect<Membership, ReadError> =>
  Effect.gen(function* () {
    const { time } = yield* reader.state
    const view = new KeyView(TTL_MILLIS)
    view.now(time)
    yield* readAfter({ reader, pattern: `${keyOfLease}>` }, 0, Number.POSITIVE_INFINITY, (message) => {
      const gone = message.header("KV-Operation") !== "" || message.header("Nats-Marker-Reason") !== ""
      view.take(message.subject.slice(keyOfLease.length), {
        revision: message.sequence,
        value: gone ? undefined : message.payload,
        time: message.time
      })
    })
    return view.membership
  })
