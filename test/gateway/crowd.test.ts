import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openClients } from "../../bench/gateway/clients.ts"
import { eventAt, nowMicros, subjectOf } from "../../bench/gateway/wire.ts"
import { eventually, http, startGateway } from "../support/gateway.ts"

const CLIENTS = 300
const EVENTS = 400

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
      const { text } = yield* http(gateway.port, "/metrics")
      const accounts = Map.groupBy(
        text.matchAll(/^conclave_gateway_client_events\{client="([^"]+)",outcome="(\w+)"\} (\d+)$/gm),
        ([, client]) => client
      )
      assert.strictEqual(accounts.size, CLIENTS)
      for (const account of accounts.values()) {
        const counts = Object.fromEntries(account.map(([, , outcome, count]) => [outcome, Number(count)]))
        assert.deepStrictEqual(counts, { produced: EVENTS, sent: EVENTS, dropped: 0, conflated: 0, waiting: 0 })
      }
      assert.deepStrictEqual([clients.received(), clients.lost()], [CLIENTS * EVENTS, 0])
    }).pipe(Effect.scoped)
  )
})
