import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Clock, Effect, Layer } from "effect"
import { ActorLog, EventLog, type PublishedEvent } from "../../runtime/index.ts"
import { layerEvents, layerNats } from "../../runtime/nats/index.ts"
import { eventually } from "../support/gateway.ts"
import { asUser, serverWithUsers } from "../support/nats-users.ts"

describe("the gateway's user of nats.conf", () => {
  it.live("reads events, and can make no consumer of a journal or a mailbox", () =>
    Effect.gen(function* () {
      const url = yield* serverWithUsers
      const node = yield* Layer.build(layerNats(asUser(url, "node")))
      const { append } = yield* ActorLog.pipe(Effect.provide(node))
      const publish = append([{ kind: "event", subject: "a.b", payload: "{}" }])
      const first = yield* publish
      const services = yield* Layer.build(layerEvents({ ...asUser(url, "gateway"), outside: true }))
      const log = yield* EventLog.pipe(Effect.provide(services))
      const seen: Array<PublishedEvent> = []
      yield* log.follow("a.*", (event) => seen.push(event))
      const second = yield* publish
      yield* eventually("it sees the event", () => seen.length === 1)
      const history = log.history(">", { from: "sequence", sequence: 1 })
      const { events } = yield* history.next(second)
      assert.deepStrictEqual(
        events.map(({ sequence }) => sequence),
        [first, second]
      )
      assert.deepStrictEqual(yield* log.kept(">"), { first, last: second })
      const refused = yield* Effect.promise(() => tryConsumers(url.replace("nats://", "")))
      assert.deepStrictEqual(refused, [true, true, true])
    }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))
  )
})

/** Whether consumers of other subjects are refused to the gateway's user. */
const tryConsumers = async (server: string): Promise<ReadonlyArray<boolean>> => {
  const connection = await connect({ servers: server, user: "gateway", pass: "g", timeout: 1_000 })
  const manager = await jetstreamManager(connection, { checkAPI: false })
  const filters = ["conclave.journal.>", "conclave.mail.>", undefined]
  const refused = await Promise.all(
    filters.map((filter_subject) =>
      manager.consumers.add("CONCLAVE", { name: "x", ...(filter_subject !== undefined && { filter_subject }) }).then(
        () => false,
        () => true
      )
    )
  )
  await connection.close()
  return refused
}
