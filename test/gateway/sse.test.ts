import { get, type IncomingMessage } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import { SignJWT } from "jose"
import { eventually, http, openClient, startGateway } from "../support/gateway.ts"

const SECRET = "0123456789abcdef0123456789abcdef"

/** Opens the events, until the scope closes. `messages` are their data and ids so far. */
const openEvents = (port: number, query: string, headers: Record<string, string> = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<IncomingMessage>((resume) => {
        get({ host: "127.0.0.1", port, path: `/api/v1/events?${query}`, headers, agent: false }, (response) =>
          resume(Effect.succeed(response))
        )
      }),
      (response) => Effect.sync(() => response.destroy())
    ),
    (response) => {
      let text = ""
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on("error", () => {})
      const messages = () =>
        text
          .split("\n\n")
          .slice(0, -1)
          .flatMap((message) => {
            const [, id] = /^id: (\d+)$/m.exec(message) ?? []
            const [, data] = /^data: (.*)$/m.exec(message) ?? []
            return data === undefined ? [] : [{ id, frame: JSON.parse(data) }]
          })
      return { response, messages, types: () => messages().map(({ frame }) => frame.type), text: () => text }
    }
  )

describe("server-sent events", () => {
  it.live("are the frames of a subscription, and go on after the last id", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const first = yield* openEvents(gateway.port, "pattern=a.*")
      assert.strictEqual(first.response.headers["content-type"], "text/event-stream")
      yield* eventually("it is subscribed", () => first.types().includes("subscribed"))
      log.publish("a.b", "t", { text: "two\nlines" })
      log.publish("b.b", "t", {})
      log.publish("a.b", "t", {})
      yield* eventually("events came", () => first.messages().at(-1)?.id === "3")
      const event = first.messages().find(({ id }) => id === "1")?.frame
      assert.deepInclude(event, { type: "t", seq: 1, subject: "a.b", data: { text: "two\nlines" } })
      const again = yield* openEvents(gateway.port, "pattern=a.*", { "last-event-id": "1" })
      yield* eventually("it caught up", () => again.types().includes("caught_up"))
      assert.deepStrictEqual(
        again.messages().flatMap(({ id }) => (id === undefined ? [] : [id])),
        ["3"]
      )
      const last = yield* openEvents(gateway.port, "pattern=%3E&start=last")
      yield* eventually("it caught up", () => last.types().includes("caught_up"))
      assert.deepStrictEqual(
        last.messages().flatMap(({ id }) => (id === undefined ? [] : [id])),
        ["2", "3"]
      )
    })
  )

  it.live("hold nothing back for who has gone, and tell who is there that the gateway stops", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const { response, types } = yield* openEvents(gateway.port, "pattern=a.*")
      yield* eventually("it is subscribed", () => types().includes("subscribed"))
      assert.deepInclude((yield* http(gateway.port, "/healthz")).json, { connections: 1, subscriptions: 1 })
      response.destroy()
      yield* eventually("its reader ends", () => log.watching().length === 0)
      assert.deepInclude((yield* http(gateway.port, "/healthz")).json, { connections: 0 })
      const scope = yield* Scope.make()
      const other = yield* Scope.provide(startGateway(), scope)
      const left = yield* openEvents(other.gateway.port, "pattern=a.*")
      yield* eventually("it is subscribed", () => left.types().includes("subscribed"))
      yield* Scope.close(scope, Exit.void)
      yield* eventually("it is over", () => left.response.complete)
      assert.include(left.types(), "going_away")
    })
  )

  it.live("need a token that allows the pattern, and a start that is one", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway({ auth: { secret: Redacted.make(SECRET) } })).gateway
      const token = yield* Effect.promise(() =>
        new SignJWT({ patterns: ["a.*"] })
          .setProtectedHeader({ alg: "HS256" })
          .setSubject("ada")
          .setExpirationTime("1m")
          .sign(Buffer.from(SECRET))
      )
      const authorization = `Bearer ${token}`
      const status = (query: string, headers = {}) =>
        Effect.map(openEvents(port, query, headers), ({ response }) => response.statusCode)
      assert.strictEqual(yield* status("pattern=a.*"), 401)
      assert.strictEqual(yield* status("pattern=b.*", { authorization }), 403)
      assert.strictEqual(yield* status("pattern=a..b", { authorization }), 400)
      assert.strictEqual(yield* status("pattern=a.*&seq=x", { authorization }), 400)
      assert.strictEqual(yield* status("pattern=a.*", { authorization, origin: "https://evil.example" }), 403)
      assert.strictEqual(yield* status("pattern=a.*", { authorization }), 200)
    })
  )

  it.live("count as clients of their address, and as all others", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { connectionsPerAddressMax: 2 } })
      yield* openEvents(gateway.port, "pattern=a.*")
      const client = yield* openClient(gateway.url)
      const third = yield* http(gateway.port, "/api/v1/events?pattern=a.*")
      assert.deepInclude(third.json, { status: 429, type: "urn:conclave:problem:too-many-connections" })
      assert.include(third.text, "GATEWAY_CONNECTIONS_PER_ADDRESS")
      yield* client.close
      const next = yield* openEvents(gateway.port, "pattern=a.*")
      assert.strictEqual(next.response.statusCode, 200)
    })
  )

  it.live("say that an open gateway wants no token", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      const { messages } = yield* openEvents(gateway.port, "pattern=a.*")
      yield* eventually("a welcome", () => messages().length > 1)
      assert.deepInclude(messages()[0]?.frame, { type: "welcome" })
      assert.strictEqual(messages()[0]?.frame.data.auth, "none")
    })
  )

  it.live("end where their subscription does, so that a browser comes back", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ limits: { patternsMax: 1 } })
      const one = yield* openEvents(gateway.port, "pattern=a.*")
      yield* eventually("it is subscribed", () => one.types().includes("subscribed"))
      const refused = yield* http(gateway.port, "/api/v1/events?pattern=b.*")
      assert.match(refused.text, /"code":"too_many_patterns"/)
      assert.isFalse(one.response.closed)
      const { json } = yield* http(gateway.port, "/healthz")
      assert.deepInclude(json, { connections: 1, subscriptions: 1 })
    })
  )
})
