import type { NatsConnection } from "@nats-io/transport-node"
import { Deferred, Effect } from "effect"
import { LogUnavailable } from "../errors.ts"

const losses = new WeakMap<NatsConnection, Deferred.Deferred<never, LogUnavailable>>()

/** The connection was lost: what waits for an answer over it will not get one. */
export const connectionLost = (connection: NatsConnection): void => {
  const waiting = losses.get(connection)
  losses.delete(connection)
  if (waiting !== undefined) {
    Deferred.doneUnsafe(waiting, Effect.fail(new LogUnavailable({ detail: "the connection was lost" })))
  }
}

/**
 * Gives up on an answer as soon as the connection is lost. The library waits for its timeout, in which a node loses its
 * leases, although it is connected again after a moment.
 */
export const unlessLost = <A, E>(connection: NatsConnection, answer: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    let waiting = losses.get(connection)
    if (waiting === undefined) {
      waiting = Deferred.makeUnsafe()
      losses.set(connection, waiting)
    }
    return Effect.raceFirst(answer, Deferred.await(waiting))
  })
