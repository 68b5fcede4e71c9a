import { createHash, generateKeyPairSync } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { exportJWK, SignJWT } from "jose"
import type { AuthOptions } from "../../gateway/index.ts"
import { http, openClient, openClientWith, startGateway } from "../support/gateway.ts"
import { temporaryFolder } from "../support/nats.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const auth = { secret: Redacted.make(SECRET) }

const sign = (claims: Record<string, unknown>, seconds = 60, secret = SECRET): Effect.Effect<string> =>
  Effect.promise(() =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ada")
      .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
      .sign(Buffer.from(secret))
  )

const MACHINE_KEY = `ck_${"m".repeat(32)}`
const decisions = { patterns: ["decision.>"], operations: ["analyze"] }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe("a client of a gateway with a secret", () => {
  it.live("may bring its token in the header, in the subprotocol or in the first frame", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth })
      const token = yield* sign(decisions)
      const first = yield* openClient(gateway.url)
      const answer = yield* first.call({ op: "auth", id: "a", token })
      assert.deepInclude(answer.data, { id: "a", op: "auth", ok: true, subject: "ada" })
      const header = yield* openClientWith(gateway.url, { headers: bearer(token) })
      assert.deepInclude((yield* header.next).data, { id: null, op: "auth", ok: true })
      const named = yield* openClientWith(gateway.url, { protocols: ["conclave.v1", `bearer.${token}`] })
      assert.deepInclude((yield* named.next).data, { id: null, op: "auth", ok: true })
      assert.strictEqual(named.protocol(), "conclave.v1")
      for (const client of [first, header, named]) {
        const seen = yield* client.call({ op: "subscribe", id: "s", pattern: "decision.*.*" })
        assert.strictEqual(seen.type, "subscribed")
      }
    })
  )

  it.live("may do nothing before, and need not wait for the answer", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth })
      const client = yield* openClient(gateway.url)
      const refused = yield* client.call({ op: "subscribe", id: "s", pattern: "decision.>" })
      assert.deepInclude(refused.data, { id: "s", code: "unauthenticated" })
      client.send({ op: "auth", id: "a", token: yield* sign(decisions) })
      client.send({ op: "subscribe", id: "s", pattern: "decision.>" })
      assert.deepStrictEqual([(yield* client.next).type, (yield* client.next).type], ["result", "subscribed"])
    })
  )

  it.live("sees what its token allows and no pattern that is wider", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth })
      const client = yield* openClientWith(gateway.url, {
        headers: bearer(yield* sign({ patterns: ["decision.*.a"] }))
      })
      yield* client.next
      const allowed = { "decision.AAPL.a": true, "decision.*.a": true, "decision.>": false, ">": false, "*.*.a": false }
      for (const [pattern, sees] of Object.entries(allowed)) {
        const { type, data } = yield* client.call({ op: "subscribe", id: pattern, pattern })
        assert.strictEqual(type, sees ? "subscribed" : "error", pattern)
        if (!sees) assert.deepInclude(data, { id: pattern, code: "forbidden" })
      }
    })
  )

  it.live("asks actors what its token allows, and nothing else", () =>
    Effect.gen(function* () {
      const { gateway, answerWith, asked } = yield* startGateway({ auth })
      answerWith(() => Effect.succeed(undefined))
      const consensus_id = "01HNZX8JGFACFA36RBXDHEQN8B"
      const vote = { agent_id: "ada", agent_type: "outsider", token: "t".repeat(43), decision: "BUY", confidence: 1 }
      const operations = [
        { op: "vote", id: "v", consensus_id, vote },
        { op: "request_consensus", id: "r", request: { symbol: "ACME" } }
      ]
      const client = yield* openClientWith(gateway.url, { headers: bearer(yield* sign(decisions)) })
      yield* client.next
      for (const operation of operations) {
        const refused = yield* client.call(operation)
        assert.deepInclude(refused.data, { id: operation.id, code: "forbidden" })
      }
      assert.strictEqual(asked.length, 0)
      yield* client.call({ op: "auth", id: "a", token: yield* sign({ operations: ["vote"] }) })
      assert.deepInclude((yield* client.call(operations[0])).data, { id: "v", op: "vote", ok: true })
      assert.deepInclude((yield* client.call(operations[1])).data, { id: "r", code: "forbidden" })
    })
  )

  it.live("is refused with a reason: another's signature, no signature, an old token, none in time", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth, limits: { authMillis: 60_000 } })
      const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(
        '{"sub":"ada","exp":9999999999,"patterns":[">"]}'
      ).toString("base64url")}.`
      const bad: ReadonlyArray<readonly [string, RegExp]> = [
        [yield* sign(decisions, 60, "another secret of 32 characters!"), /not one of ours/],
        [unsigned, /not one of ours/],
        ["nonsense", /not one of ours/],
        [yield* sign(decisions, -60), /expired/],
        [yield* sign({ patterns: ["a..b"] }), /claims/],
        [`ck_${"u".repeat(32)}`, /not known/]
      ]
      const client = yield* openClient(gateway.url)
      for (const [token, reason] of bad) {
        const { data } = yield* client.call({ op: "auth", id: "a", token })
        assert.deepInclude(data, { id: "a", code: "unauthorized" })
        assert.match(JSON.stringify(data), reason)
      }
      const hasty = yield* startGateway({ auth, limits: { authMillis: 300 } })
      const silent = yield* openClient(hasty.gateway.url)
      assert.deepInclude((yield* silent.next).data, { code: "unauthenticated" })
      assert.deepStrictEqual(yield* silent.closed, { code: 1008, reason: "authentication needed" })
    })
  )

  it.live("is closed when its token runs out, and not when it brings a new one in time", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ auth })
      const long = yield* sign(decisions)
      const [stays, goes] = [
        yield* openClientWith(gateway.url, { headers: bearer(long) }),
        yield* openClientWith(gateway.url, { headers: bearer(long) })
      ]
      for (const client of [stays, goes]) {
        yield* client.next
        yield* client.call({ op: "subscribe", id: "s", pattern: "decision.>" })
      }
      // Both from now on have little time; one of them says at once that it has more.
      const short = yield* sign(decisions, 3)
      stays.send({ op: "auth", id: "a", token: short })
      stays.send({ op: "auth", id: "b", token: long })
      assert.deepInclude((yield* stays.next).data, { id: "a", ok: true })
      assert.deepInclude((yield* stays.next).data, { id: "b", ok: true })
      assert.deepInclude((yield* goes.call({ op: "auth", id: "a", token: short })).data, { id: "a", ok: true })
      assert.deepInclude((yield* goes.next).data, { code: "token_expired" })
      assert.deepStrictEqual(yield* goes.closed, { code: 1008, reason: "token expired" })
      const seq = log.publish("decision.A.b", "agent_decision", {})
      assert.strictEqual((yield* stays.next).seq, seq)
    })
  )

  it.live("hears for how long its token is good, also where that is longer than a date can say", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth })
      const client = yield* openClient(gateway.url)
      const { data } = yield* client.call({ op: "auth", id: "a", token: yield* sign(decisions, 600) })
      assert.closeTo(Number(Object(data).expires_in_ms), 600_000, 30_000)
      const token = yield* sign(decisions, 9e12)
      const endless = yield* client.call({ op: "auth", id: "b", token })
      assert.deepInclude(endless.data, { ok: true, expires_at: "+275760-09-13T00:00:00.000Z" })
      const unlimited = yield* openClientWith(gateway.url, { headers: bearer(token) })
      assert.deepInclude((yield* unlimited.next).data, { ok: true, subject: "ada" })
    })
  )

  it.live("loses the subscriptions that a new token does not cover, and is told", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ auth })
      const client = yield* openClientWith(gateway.url, { headers: bearer(yield* sign({ patterns: [">"] })) })
      yield* client.next
      yield* client.call({ op: "subscribe", id: "d", pattern: "decision.>" })
      yield* client.call({ op: "subscribe", id: "t", pattern: "tool.>" })
      const lost = yield* client.call({ op: "auth", id: "a", token: yield* sign(decisions) })
      assert.deepInclude(lost.data, { id: "t", code: "forbidden" })
      assert.deepInclude((yield* client.next).data, { id: "a", ok: true })
      log.publish("tool.a.b", "tool_execution", {})
      const seq = log.publish("decision.A.b", "agent_decision", {})
      assert.deepInclude(yield* client.next, { seq, sub: "d" })
    })
  )
})

describe("the HTTP side of a gateway with a secret", () => {
  const analyze = (port: number, headers: { readonly [name: string]: string }) =>
    http(port, "/api/v1/agents/analyze", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: '{"symbol":"*"}'
    })

  it.live("wants a token that allows the operation; whether it is alive is no secret", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway({ auth })).gateway
      const none = yield* analyze(port, {})
      assert.deepStrictEqual([none.status, none.headers["www-authenticate"]], [401, "Bearer"])
      assert.strictEqual((yield* analyze(port, bearer("nonsense"))).status, 401)
      assert.strictEqual((yield* analyze(port, bearer(yield* sign({ operations: ["vote"] })))).status, 403)
      // Past the gate the body is read: this one names no symbol.
      assert.strictEqual((yield* analyze(port, bearer(yield* sign(decisions)))).status, 400)
      assert.strictEqual((yield* http(port, "/healthz")).status, 200)
      assert.strictEqual((yield* http(port, "/metrics")).status, 401)
      const operator = bearer(yield* sign({ operations: ["status", "clients"] }))
      assert.match((yield* http(port, "/metrics", { headers: operator })).text, /^conclave_gateway_connections 0$/m)
      assert.deepStrictEqual((yield* http(port, "/api/v1/clients", { headers: operator })).json, { clients: [] })
    })
  )

  it.live("lets an address send so many requests a second and no more", () =>
    Effect.gen(function* () {
      const { port } = (yield* startGateway({ limits: { requestsPerSecond: 5 } })).gateway
      const statuses: Array<number> = []
      for (let count = 0; count < 8; count++) statuses.push((yield* analyze(port, {})).status)
      assert.deepStrictEqual(statuses.slice(0, 5), [400, 400, 400, 400, 400])
      assert.include(statuses.slice(5), 429)
      assert.strictEqual((yield* http(port, "/healthz")).status, 200)
    })
  )
})

describe("other ways to prove who one is", () => {
  it.live("a public key, a key set, and a key of a machine by its hash", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = (name: string, text: string) => {
        writeFileSync(join(folder, name), text)
        return join(folder, name)
      }
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" })
      const other = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const jwk = { ...(yield* Effect.promise(() => exportJWK(other.publicKey))), kid: "one", alg: "RS256" }
      const hash = createHash("sha256").update(MACHINE_KEY).digest("hex")
      const { gateway } = yield* startGateway({
        auth: {
          publicKeyFile: file("key.pem", pair.publicKey.export({ type: "spki", format: "pem" }).toString()),
          jwksFile: file("jwks.json", JSON.stringify({ keys: [jwk] })),
          keysFile: file("keys.json", JSON.stringify([{ name: "desk", sha256: hash, patterns: ["alert.*"] }])),
          issuer: "us"
        }
      })
      const signWith = (key: typeof pair.privateKey, header: { alg: string; kid?: string }, issuer = "us") =>
        Effect.promise(() =>
          new SignJWT({ patterns: ["alert.*"] })
            .setProtectedHeader(header)
            .setSubject("ada")
            .setIssuer(issuer)
            .setExpirationTime("1m")
            .sign(key)
        )
      const client = yield* openClient(gateway.url)
      const tryToken = (token: string) => Effect.map(client.call({ op: "auth", id: "a", token }), ({ data }) => data)
      assert.deepInclude(yield* tryToken(yield* signWith(pair.privateKey, { alg: "ES256" })), { ok: true })
      assert.deepInclude(yield* tryToken(yield* signWith(other.privateKey, { alg: "RS256", kid: "one" })), { ok: true })
      assert.deepInclude(yield* tryToken(yield* signWith(pair.privateKey, { alg: "ES256" }, "them")), {
        code: "unauthorized"
      })
      // Whoever knows the public key must not be able to sign with it as if it were a secret.
      const forged = yield* sign(
        { patterns: [">"] },
        60,
        pair.publicKey.export({ type: "spki", format: "pem" }).toString()
      )
      assert.deepInclude(yield* tryToken(forged), { code: "unauthorized" })
      assert.deepInclude(yield* tryToken(MACHINE_KEY), { ok: true, subject: "key:desk", expires_at: null })
      assert.strictEqual((yield* client.call({ op: "subscribe", id: "s", pattern: "alert.*" })).type, "subscribed")
    }).pipe(Effect.scoped)
  )

  it.live("without any, only loopback is listened on, and what cannot be used is said", () =>
    Effect.gen(function* () {
      const open = yield* Effect.flip(Effect.scoped(startGateway({ host: "0.0.0.0" })))
      assert.match(open.message, /listens on loopback only.*GATEWAY_JWT_SECRET/)
      const short = yield* Effect.flip(Effect.scoped(startGateway({ auth: { secret: Redacted.make("short") } })))
      assert.match(short.message, /at least 32 characters/)
      // Whoever gives anything wants clients to be known: what says not how must not open the gateway.
      const wrong: ReadonlyArray<unknown> = [
        "s".repeat(40),
        {},
        { jwtSecret: "s".repeat(40) },
        { keys: [] },
        null,
        { issuer: "us" }
      ]
      for (const given of wrong) {
        const refused = yield* Effect.flip(Effect.scoped(startGateway({ auth: given as AuthOptions })))
        assert.strictEqual(refused._tag, "InvalidAuth", JSON.stringify(given))
        assert.notInclude(refused.message, "ssss")
      }
      const named = startGateway({ auth: { secret: SECRET, jwtSecret: SECRET } as AuthOptions })
      assert.match((yield* Effect.flip(Effect.scoped(named))).message, /`jwtSecret`: there is no such field/)
      const plain = startGateway({ auth: { secret: SECRET } }).pipe(
        Effect.flatMap(({ gateway }) => Effect.promise(() => fetch(`${gateway.url}/metrics`)))
      )
      assert.strictEqual((yield* Effect.scoped(plain)).status, 401)
      const missing = yield* Effect.flip(Effect.scoped(startGateway({ auth: { keysFile: "/nowhere" } })))
      assert.match(missing.message, /\/nowhere cannot be read as a list of keys/)
      const tls = { certificate: "/nowhere.pem", key: "/nowhere.key" }
      assert.match((yield* Effect.flip(Effect.scoped(startGateway({ tls })))).message, /nowhere.pem.*cannot be used/)
    })
  )
})
