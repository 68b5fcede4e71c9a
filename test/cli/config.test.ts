import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { configuration, fromRecord, settings, settingsTable } from "../../cli/config.ts"
import { gatewayOptions } from "../../cli/run/gateway-options.ts"

const read = (env: Record<string, string>) => configuration.pipe(Effect.provide(fromRecord(env)))
const complaint = (env: Record<string, string>) =>
  read(env).pipe(
    Effect.flip,
    Effect.map((error) => error.message)
  )

const EVENTS =
  "must be a duration from 1 minute to 3650 days, such as 7 days, and then kinds with theirs, such as tool=1 day, separated by commas"

const daysOf = (kept: Duration.Duration | "never") => (kept === "never" ? 0 : Duration.toDays(kept))

describe("configuration", () => {
  it.effect("has a default for everything but the servers", () =>
    Effect.gen(function* () {
      const { leaseTtl, eventRetention, roundRetention, requestedRoundRetention, ...rest } = yield* read({})
      assert.strictEqual(Duration.toMillis(leaseTtl), 5000)
      assert.deepStrictEqual(eventRetention, { seconds: 7 * 86_400, byKind: { tool: 86_400 } })
      assert.deepStrictEqual([roundRetention, requestedRoundRetention].map(daysOf), [30, 1])
      assert.deepStrictEqual(rest, {
        natsUrl: undefined,
        natsInbox: undefined,
        natsMonitorUrl: undefined,
        durability: "warn",
        natsServer: undefined,
        host: "127.0.0.1",
        port: 8080,
        dataFolder: "./data",
        namespace: "conclave",
        shards: 64,
        replicas: 1,
        ...{ panel: ["market_analyst", "risk_advisor", "strategy_optimizer"], agentTypes: [] },
        ...{ accounts: ["main"], instruments: {} },
        logLevel: "Warn",
        logFormat: "pretty",
        metricsPort: undefined,
        dataLimit: 2e9,
        gatewaySecret: undefined,
        gatewayToken: undefined,
        gatewayPublicKey: undefined,
        gatewayJwks: undefined,
        gatewayIssuer: undefined,
        gatewayAudience: undefined,
        gatewayKeys: undefined,
        gatewayOrigins: [],
        gatewayHosts: [],
        gatewayCertificate: undefined,
        gatewayCertificateKey: undefined,
        gatewayConnections: 10_000,
        gatewayConnectionsPerAddress: 1_000,
        gatewaySubscriptions: 64,
        gatewayPatterns: 10_000,
        gatewayPatternsPerClient: 500,
        gatewayFramesPerSecond: 200,
        gatewayAsksPerSecond: 10,
        gatewayAsksPerSecondPerClient: 200,
        gatewayHistoriesPerSecond: 4,
        gatewayHistoriesPerSecondPerClient: 80,
        gatewayBytesPerSecond: 262_144,
        gatewayFrameBytes: 65_536,
        gatewayUnauthenticated: 1_000,
        gatewayUnauthenticatedPerAddress: 100,
        gatewayUnauthenticatedBytes: 16_384,
        gatewayHandshakesPerSecond: 200,
        gatewayPendingBytes: 8_388_608,
        gatewayQueueBytes: 134_217_728,
        gatewayStall: 30_000,
        gatewayRequestsPerSecond: 200,
        gatewayBodyBytes: 1_048_576,
        gatewayBodyBytesPerSecond: 8_388_608,
        gatewayBodiesBytes: 67_108_864,
        gatewayBodyMillis: 30_000,
        gatewayHeaderBytes: 16_384,
        gatewaySymbols: 500,
        gatewayRounds: 100,
        gatewayRoundsPerMinute: 300,
        gatewayRoundsPerSecond: 10,
        gatewayBytesPerMinute: 8_388_608,
        gatewayBytesPerDay: 1_073_741_824,
        gatewayGrace: 0,
        gatewayCompressFrom: 0
      })
    })
  )

  it.effect("gives the gateway what is set for it, and shows a secret to nobody", () =>
    Effect.gen(function* () {
      const secret = "0123456789abcdef0123456789abcdef"
      const config = yield* read({
        GATEWAY_JWT_SECRET: secret,
        GATEWAY_ORIGINS: "https://desk.example, http://localhost:3000",
        GATEWAY_SUBSCRIPTIONS: "5",
        GATEWAY_TLS_CERT: "cert.pem",
        GATEWAY_TLS_KEY: "key.pem"
      })
      const { auth, limits, tls, allowedOrigins } = gatewayOptions(config)
      assert.strictEqual(Redacted.isRedacted(auth?.secret) ? Redacted.value(auth.secret) : "", secret)
      assert.notInclude(JSON.stringify(config), secret)
      assert.deepInclude(limits, { subscriptionsMax: 5, connectionsMax: 10_000 })
      assert.deepStrictEqual(tls, { certificate: "cert.pem", key: "key.pem" })
      assert.deepStrictEqual(allowedOrigins, ["https://desk.example", "http://localhost:3000"])
      const short = yield* complaint({ GATEWAY_JWT_SECRET: "hunter2" })
      assert.strictEqual(short, "GATEWAY_JWT_SECRET=***: must be at least 32 characters")
      assert.match(yield* complaint({ GATEWAY_FRAME_BYTES: "0" }), /GATEWAY_FRAME_BYTES=0: must be a whole number/)
    })
  )

  it.effect("reads what may be ordered, and refuses what it would have to leave out", () =>
    Effect.gen(function* () {
      const { instruments } = yield* read({ CONCLAVE_INSTRUMENTS: "BTC/USDT lot=0.001 tick=0.01; BRK.B lot=1" })
      assert.deepStrictEqual(instruments, { "BTC/USDT": { lot: 0.001, tick: 0.01 }, "BRK.B": { lot: 1 } })
      for (const text of ["aapl lot=1; AAPL lot=1", "AAPL lot=1 lot=2", "AAPL", "AAPL lot=0", "A lot=1;A tick=1"]) {
        assert.match(
          yield* complaint({ CONCLAVE_INSTRUMENTS: text }),
          /^CONCLAVE_INSTRUMENTS=.*must be symbols separated/
        )
      }
    })
  )

  it.effect("takes every variable from the environment", () =>
    Effect.gen(function* () {
      const read_ = yield* read({
        NATS_URL: "nats://a:4222,tls://b:4222",
        NATS_MONITOR_URL: "http://a:8222,https://b:8222",
        CONCLAVE_DURABILITY: "Strict",
        NATS_SERVER: "/opt/nats-server",
        HOST: "::1",
        PORT: "0",
        CONCLAVE_DATA: "/var/lib/conclave",
        CONCLAVE_NAMESPACE: "desk_2",
        CONCLAVE_SHARDS: "128",
        CONCLAVE_REPLICAS: "3",
        LEASE_TTL: "1500 millis",
        LOG_LEVEL: "debug"
      })
      assert.strictEqual(Duration.toMillis(read_.leaseTtl), 1500)
      assert.deepInclude(read_, {
        natsUrl: "nats://a:4222,tls://b:4222",
        natsMonitorUrl: "http://a:8222,https://b:8222",
        durability: "strict",
        natsServer: "/opt/nats-server",
        host: "::1",
        port: 0,
        dataFolder: "/var/lib/conclave",
        namespace: "desk_2",
        shards: 128,
        replicas: 3,
        logLevel: "Debug"
      })
    })
  )

  it.effect("counts a variable that is set to nothing as not set", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* read({ PORT: "", NATS_URL: " " }), { port: 8080, natsUrl: undefined })
    })
  )

  it.effect.each([
    ["PORT", "abc", "must be a whole number from 0 to 65535"],
    ["PORT", "65536", "must be a whole number from 0 to 65535"],
    ["PORT", "-1", "must be a whole number from 0 to 65535"],
    ["PORT", "80.5", "must be a whole number from 0 to 65535"],
    ["PORT", "0x50", "must be a whole number from 0 to 65535"],
    ["HOST", "local host", "must be a host name or an IP address"],
    ["NATS_URL", "localhost:4222", "must be one or more nats:// or tls:// addresses, separated by commas"],
    ["NATS_URL", "nats://a,http://b", "must be one or more nats:// or tls:// addresses, separated by commas"],
    ["NATS_MONITOR_URL", "localhost:8222", "must be one or more http:// or https:// addresses, separated by commas"],
    ["CONCLAVE_DURABILITY", "maybe", "must be warn or strict"],
    ["CONCLAVE_NAMESPACE", "Desk", "must be 1 to 32 of a-z 0-9 _ and start with a letter"],
    ["CONCLAVE_NAMESPACE", "a".repeat(33), "must be 1 to 32 of a-z 0-9 _ and start with a letter"],
    ["CONCLAVE_SHARDS", "0", "must be a whole number from 1 to 1024"],
    ["CONCLAVE_REPLICAS", "2", "must be 1, 3 or 5"],
    ["LEASE_TTL", "999 millis", "must be a duration from 1 second to 1 minute, such as 5 seconds"],
    ["LEASE_TTL", "61 seconds", "must be a duration from 1 second to 1 minute, such as 5 seconds"],
    ["LEASE_TTL", "soon", "must be a duration from 1 second to 1 minute, such as 5 seconds"],
    ["EVENT_RETENTION", "7 days, tool", EVENTS],
    ["EVENT_RETENTION", "7 days, tool=1 second", EVENTS],
    ["EVENT_RETENTION", "tool=1 day", EVENTS],
    ["ROUND_RETENTION", "1 hour", "must be a duration from 3 hours to 3650 days, such as 30 days, or never"],
    ["CONCLAVE_DATA_LIMIT", "10 MB", "must be a size of at least 50 MB, such as 500 MB or 2 GB, or none"],
    ["CONCLAVE_DATA_LIMIT", "lots", "must be a size of at least 50 MB, such as 500 MB or 2 GB, or none"],
    ["LOG_LEVEL", "loud", "must be All, Trace, Debug, Info, Warn, Error, Fatal or None"]
  ] as const)("names the variable, the value and the rule: %s=%s", ([variable, value, rule]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* complaint({ [variable]: value }), `${variable}=${value}: ${rule}`)
    })
  )

  it.effect("does not show the password of a server", () =>
    Effect.gen(function* () {
      const text = yield* complaint({ NATS_URL: "http://ada:secret@host" })
      assert.include(text, "NATS_URL=http://ada:***@host: ")
      assert.notInclude(text, "secret")
    })
  )

  it("has a row for every variable in its table", () => {
    const table = settingsTable()
    for (const { variable, about } of Object.values(settings)) assert.include(table, `| \`${variable}\` |`, about)
    assert.strictEqual(table.split("\n").length, Object.keys(settings).length + 2)
  })
})
