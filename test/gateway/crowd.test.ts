import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { openClients } from "../../bench/gateway/clients.ts"
import { eventAt, nowMicros, subjectOf } from "../../bench/gateway/wire.ts"
import { eventually, http, startGateway } from "../support/gateway.ts"

const CLIENTS = 300
const EVENTS = 400

const decodeClients = Schema.decodeUnknownSync(
  Schema.Struct({ clients: Schema.Array(Schema.Struct({ events: Schema.Record(Schema.String, Schema.Int) })) })
)

describe("many clients", () => {
  it.live("each get every event, as the account of each says", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const clients = yield* openClients("gateway", gateway.port, CLIENTS)
      for (let count = 0; count < EVENTS; count++) {
        log.publishPayload(subjectOf(count), eventAt(nowMicros()))
        if (count % 20 === 0) yield* Effect.sleep("1 millis")
      }
      yield* eventually("all came", () => clients.received() >= CLIENTS * EVENTS)
      const { clients: listed } = decodeClients((yield* http(gateway.port, "/api/v1/clients")).json)
      assert.lengthOf(listed, CLIENTS)
      for (const { events } of listed) {
        assert.deepStrictEqual(events, { produced: EVENTS, sent: EVENTS, dropped: 0, conflated: 0, waiting: 0 })
      }
      assert.deepStrictEqual([clients.received(), clients.lost()], [CLIENTS * EVENTS, 0])
    }).pipe(Effect.scoped)
  )
})
