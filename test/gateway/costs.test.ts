// What one client may have of the time of others by many connections, whatever protocol they speak.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import { http, openClientWith, startGateway } from "../support/gateway.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const auth = { secret: Redacted.make(SECRET) }
const STATUS = "/api/v1/agents/status?symbol=A"
const SWITCH = "/api/v1/agents/portfolio/main/switch"

const bearer = (subject: string) =>
  Effect.promise(() =>
    new SignJWT({ patterns: [">"], operations: ["status", "trade"] })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(subject)
      .setExpirationTime("1m")
      .sign(Buffer.from(SECRET))
  ).pipe(Effect.map((token) => ({ authorization: `Bearer ${token}` })))

/** A client that is known. */
const known = Effect.fnUntraced(function* (url: string, headers: Record<string, string>) {
  const client = yield* openClientWith(url, { headers })
  yield* client.next
  return client
})

const ask = { op: "status", id: "s", of: { symbol: "A" } }
const switched = (port: number, headers: Record<string, string>) =>
  http(port, SWITCH, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"action":"flatten"}'
  })

describe("what one client asks for", () => {
  it.live("is counted over all its connections and requests together, and not with that of others", () =>
    Effect.gen(function* () {
      const limits = { asksPerSecondPerClient: 6, historiesPerSecondPerClient: 0.4 }
      const { gateway, answerWith, log } = yield* startGateway({ auth, limits })
      answerWith(() => Effect.fail({ _tag: "LogUnavailable" }))
      const [mallory, ada] = [yield* bearer("mallory"), yield* bearer("ada")]
      const clients = yield* Effect.forEach([1, 2], () => known(gateway.url, mallory))
      const codes: Array<unknown> = []
      for (const client of [...clients, ...clients]) codes.push(Object((yield* client.call(ask)).data).code)
      for (let count = 0; count < 2; count++) {
        codes.push((yield* http(gateway.port, STATUS, { headers: mallory })).status)
      }
      assert.deepStrictEqual(codes, [...Array(4).fill("unavailable"), 503, 503])
      // Meanwhile some comes back.
      const refused = yield* Effect.repeat(http(gateway.port, STATUS, { headers: mallory }), {
        until: ({ status }) => status === 429
      })
      assert.include(refused.text, "GATEWAY_ASKS_PER_SECOND_PER_CLIENT")
      const told = yield* Effect.repeat(clients[0]!.call(ask), {
        until: ({ data }) => Object(data).code === "rate_limited"
      })
      assert.match(JSON.stringify(told.data), /GATEWAY_ASKS_PER_SECOND_PER_CLIENT/)
      assert.strictEqual((yield* switched(gateway.port, mallory)).status, 503, "a switch is asked for all the same")
      assert.strictEqual((yield* http(gateway.port, STATUS, { headers: ada })).status, 503, "others have their own")

      log.publish("a.b", "t", {})
      const subscription = { op: "subscribe", pattern: "a.*", start: { seq: 1 } }
      for (let count = 0; count < 2; count++) {
        for (const client of clients) {
          assert.strictEqual((yield* client.call({ ...subscription, id: `${count}` })).type, "subscribed")
          for (const type of ["t", "caught_up"]) assert.strictEqual((yield* client.next).type, type)
        }
      }
      const late = yield* clients[1]!.call({ ...subscription, id: "late" })
      assert.match(JSON.stringify(late.data), /rate_limited.*GATEWAY_HISTORIES_PER_SECOND_PER_CLIENT/)
      const stream = yield* http(gateway.port, "/api/v1/events?pattern=a.*&seq=1", { headers: mallory })
      assert.match(stream.text, /"rate_limited".*GATEWAY_HISTORIES_PER_SECOND_PER_CLIENT/)
      assert.strictEqual((yield* clients[1]!.call({ ...subscription, id: "new", start: "new" })).type, "subscribed")
    })
  )

  it.live("is counted by address where nobody says who it is", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ limits: { asksPerSecondPerClient: 2 } })
      answerWith(() => Effect.fail({ _tag: "LogUnavailable" }))
      for (let count = 0; count < 2; count++) assert.strictEqual((yield* http(gateway.port, STATUS)).status, 503)
      yield* Effect.repeat(http(gateway.port, STATUS), { until: ({ status }) => status === 429 })
    })
  )
})

describe("the switch of an account", () => {
  it.live("lets no stranger have tokens looked at faster than elsewhere, and stops nobody who was there before", () =>
    Effect.gen(function* () {
      const { gateway, answerWith } = yield* startGateway({ auth, limits: { requestsPerSecond: 5 } })
      answerWith(() => Effect.fail({ _tag: "LogUnavailable" }))
      const ada = yield* bearer("ada")
      for (let count = 0; count < 8; count++) {
        assert.strictEqual((yield* switched(gateway.port, ada)).status, 503, "nobody known has a rate")
      }
      const bad = { authorization: "Bearer nonsense" }
      const statuses = yield* Effect.forEach(Array.from({ length: 12 }), () => switched(gateway.port, bad))
      const looked = statuses.filter(({ status }) => status === 401)
      assert.isAtMost(looked.length, 7)
      assert.deepStrictEqual(new Set(statuses.map(({ status }) => status)), new Set([401, 429]))
      assert.strictEqual((yield* switched(gateway.port, ada)).status, 503)
    })
  )
})
