import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect } from "effect"

/** Does something to a server's streams and consumers, as an operator does with a tool. */
export const manage = <A>(url: string, use: (manager: JetStreamManager) => Promise<A>): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) => Effect.promise(async () => use(await jetstreamManager(connection))),
    (connection) => Effect.promise(() => connection.close())
  )
