import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { layerNats, layerNatsClient, layerNatsOutside } from "../../runtime/nats/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { asUser, serverWith } from "../support/nats-users.ts"
import { real } from "../support/outsider.ts"

/** The rights of a deployment from before there were doors, with those beside them that docs/OPERATING.md says to give first. */
const USERS = `authorization { users: [
  { user: node, password: n, permissions: {
      publish: [ "conclave.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>", "$KV.CONCLAVE_LEASES.>", "$KV.CONCLAVE_CONTROLS.>",
                 "_INBOX.>" ]
      subscribe: [ "conclave.>", "$KV.CONCLAVE_LEASES.>", "$KV.CONCLAVE_CONTROLS.>", "_INBOX.>" ] } }
  { user: gateway, password: g, permissions: {
      publish: [ "conclave.mail.>", "$JS.API.INFO", "$JS.API.STREAM.INFO.CONCLAVE",
                 "$JS.API.CONSUMER.CREATE.CONCLAVE.*.conclave.event.>", "$JS.API.CONSUMER.MSG.NEXT.CONCLAVE.*",
                 "$JS.API.CONSUMER.DELETE.CONCLAVE.*",
                 "conclave.door.mail", "conclave.door.events" ]
      subscribe: [ "conclave.live.>", "conclave.reply.>", "conclave.broadcast", "_INBOX.>" ] } }
] }`

describe("a deployment whose users had rights to the stream", () => {
  it.live("goes over to doors without a stop: gateways of before and after are answered by new nodes", () =>
    real(
      Effect.gen(function* () {
        const url = yield* serverWith(USERS)
        const node = Layer.provideMerge(layerNode({ name: "n", actors: [counter] }), layerNats(asUser(url, "node")))
        yield* Effect.gen(function* () {
          const ask = Actors.use((actors) => actors.ask(CounterProtocol, "a", "Add", { n: 1 }))
          assert.strictEqual(yield* ask.pipe(Effect.provide(layerNatsClient(asUser(url, "gateway")))), 1)
          assert.strictEqual(yield* ask.pipe(Effect.provide(layerNatsOutside(asUser(url, "gateway")))), 2)
          yield* ActorLog.use((log) => log.check)
        }).pipe(Effect.provide(node))
      })
    )
  )
})
