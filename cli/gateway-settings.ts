import { Redacted, Schema, SchemaTransformation } from "effect"
import { defaultLimits, limitNames } from "../protocols/index.ts"
import { type SettingSpec, setting, wholeNumber } from "./setting.ts"

const path = (variable: string, about: string) =>
  setting({ variable, default: "", about, rule: "must be the path of a file", schema: Schema.NonEmptyString })

const limit = (key: keyof typeof limitNames, about: string, maximum = 1_000_000): SettingSpec<number> =>
  setting({
    variable: limitNames[key],
    default: String(defaultLimits[key]),
    about,
    rule: `must be a whole number from 1 to ${maximum}`,
    schema: wholeNumber(1, maximum)
  })

const secretOf = (lengthMin: number, pattern = /^/): Schema.Codec<Redacted.Redacted, string> =>
  Schema.String.check(Schema.isMinLength(lengthMin), Schema.isPattern(pattern)).pipe(
    Schema.decodeTo(
      Schema.Redacted(Schema.String),
      SchemaTransformation.transform({ decode: (text) => Redacted.make(text), encode: Redacted.value })
    )
  )
const secret = secretOf(32)
// A token, or a key of at least 32 characters behind its beginning.
const token = secretOf(1, /^(?!ck_.{0,31}$)/s)

const listOf = (part: RegExp): Schema.Codec<ReadonlyArray<string>, string> =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.Array(Schema.String.check(Schema.isPattern(part))),
      SchemaTransformation.transform({
        decode: (text): ReadonlyArray<string> => (text === "" ? [] : text.split(",").map((part) => part.trim())),
        encode: (parts: ReadonlyArray<string>) => parts.join(",")
      })
    )
  )

const MEBIBYTE = 1024 * 1024

/** The variables that only the gateway reads. */
export const gatewaySettings = {
  gatewaySecret: setting({
    variable: "GATEWAY_JWT_SECRET",
    default: "",
    about:
      "The secret of clients' tokens (HS256). Without any way to know its clients the gateway listens on loopback only.",
    rule: "must be at least 32 characters",
    schema: secret,
    hidden: true
  }),
  gatewayToken: setting({
    variable: "GATEWAY_TOKEN",
    default: "",
    about: "The token or key with which `conclave clients` asks a gateway that wants one.",
    rule: "must be a token, or a key: ck_ and at least 32 characters",
    schema: token,
    hidden: true
  }),
  gatewayPublicKey: path("GATEWAY_JWT_PUBLIC_KEY", "A file with the public key of clients' tokens, in PEM."),
  gatewayJwks: path("GATEWAY_JWKS", "A file with a set of public keys of clients' tokens (JWKS)."),
  gatewayIssuer: setting({
    variable: "GATEWAY_JWT_ISSUER",
    default: "",
    about: "What `iss` of a token must be, if given.",
    rule: "must not be empty",
    schema: Schema.NonEmptyString
  }),
  gatewayAudience: setting({
    variable: "GATEWAY_JWT_AUDIENCE",
    default: "",
    about: "What `aud` of a token must be, if given.",
    rule: "must not be empty",
    schema: Schema.NonEmptyString
  }),
  gatewayKeys: path("GATEWAY_KEYS", "A file with the hashes of machines' keys, and what each may do."),
  gatewayOrigins: setting({
    variable: "GATEWAY_ORIGINS",
    default: "",
    about: "Origins of web pages elsewhere that may use the gateway, separated by commas.",
    rule: "must be origins such as https://desk.example, separated by commas",
    schema: listOf(/^https?:\/\/[^\s/]+$/)
  }),
  gatewayHosts: setting({
    variable: "GATEWAY_HOSTS",
    default: "",
    about:
      "Further names under which the gateway is reached, such as that of a proxy before it, separated by commas; with a port where only that one is meant.",
    rule: "must be names such as desk.example or desk.example:8443, separated by commas",
    schema: listOf(/^[a-z0-9._-]+(:\d{1,5})?$/i)
  }),
  gatewayCertificate: path(
    "GATEWAY_TLS_CERT",
    "A file with the certificate of the gateway, in PEM; with it, it speaks TLS."
  ),
  gatewayCertificateKey: path("GATEWAY_TLS_KEY", "A file with the private key of the certificate, in PEM."),
  gatewayConnections: limit("connectionsMax", "How many clients may be connected, over WebSocket and event streams."),
  gatewayConnectionsPerAddress: limit("connectionsPerAddressMax", "How many of them from one address."),
  gatewaySubscriptions: limit("subscriptionsMax", "How many subscriptions a client may have.", 10_000),
  gatewayPatterns: limit("patternsMax", "How many different patterns all clients together may want."),
  gatewayPatternsPerClient: limit(
    "patternsPerClientMax",
    "How many different patterns all connections of one client (`sub` of its token) may want."
  ),
  gatewayFramesPerSecond: limit("operationsPerSecond", "How many frames a client may send per second."),
  gatewayAsksPerSecond: limit(
    "asksPerSecond",
    "How many operations that agents answer a client may send per second on one connection."
  ),
  gatewayAsksPerSecondPerClient: limit(
    "asksPerSecondPerClient",
    "The same on all connections and in all requests of one client (`sub` of its token, or else its address) together; not the switches of accounts and bars of a market."
  ),
  gatewayHistoriesPerSecond: limit(
    "historiesPerSecond",
    "How many subscriptions that begin in the past a client may open per second on one connection."
  ),
  gatewayHistoriesPerSecondPerClient: limit(
    "historiesPerSecondPerClient",
    "The same on all connections and event streams of one client together."
  ),
  gatewayBytesPerSecond: limit("bytesPerSecond", "How many bytes a client may send per second.", 512 * MEBIBYTE),
  gatewayFrameBytes: limit("frameBytesMax", "How large a client's frame may be.", MEBIBYTE),
  gatewayUnauthenticated: limit(
    "unauthenticatedMax",
    "How many clients may be connected that have not said who they are yet; one more takes the place of the oldest."
  ),
  gatewayUnauthenticatedPerAddress: limit("unauthenticatedPerAddressMax", "How many of them from one address."),
  gatewayUnauthenticatedBytes: limit(
    "unauthenticatedBytesMax",
    "How many bytes a client may send before it is known who it is.",
    MEBIBYTE
  ),
  gatewayHandshakesPerSecond: limit(
    "handshakesPerSecond",
    "How many WebSockets without a good token an address may open per second."
  ),
  gatewayPendingBytes: limit("pendingBytesMax", "How much may wait for a client that reads slowly.", 512 * MEBIBYTE),
  gatewayQueueBytes: limit("queueBytesMax", "How much may wait for all clients together.", 900 * MEBIBYTE),
  gatewayStall: limit(
    "stallMillis",
    "How long a client may take nothing of what waits for it before it is closed, in milliseconds.",
    3_600_000
  ),
  gatewaySymbols: limit("symbolsMax", "How many different symbols one client may name while the gateway runs."),
  gatewayRounds: limit("roundsMax", "How many rounds of one client may be under way.", 10_000),
  gatewayRoundsPerMinute: limit(
    "roundsPerMinute",
    "How many rounds and analyses one client may begin per minute; a fifth of them at once."
  ),
  gatewayRoundsPerSecond: limit(
    "roundsPerSecond",
    "How many rounds and analyses all clients of a gateway together may begin per second: the rest of the nodes' time is for the market and the switches.",
    10_000
  ),
  gatewayBytesPerMinute: limit(
    "bytesPerMinute",
    "How many bytes one client may have stored per minute; each round counts as 16384 besides what was sent.",
    512 * MEBIBYTE
  ),
  gatewayBytesPerDay: limit("bytesPerDay", "The same per day.", 999_999_999_999),
  gatewayRequestsPerSecond: limit("requestsPerSecond", "How many HTTP requests an address may send per second."),
  gatewayBodyBytes: limit("bodyBytesMax", "How large the body of an HTTP request may be.", 16 * MEBIBYTE),
  gatewayBodyBytesPerSecond: limit(
    "bodyBytesPerSecond",
    "How many bytes of HTTP bodies an address may send per second.",
    512 * MEBIBYTE
  ),
  gatewayBodiesBytes: limit(
    "bodiesBytesMax",
    "How many bytes of HTTP bodies may be on their way at once, of all requests together.",
    900 * MEBIBYTE
  ),
  gatewayBodyMillis: limit(
    "bodyMillis",
    "How long the body of an HTTP request may take to come, in milliseconds.",
    3_600_000
  ),
  gatewayHeaderBytes: setting({
    variable: "GATEWAY_HEADER_BYTES",
    default: "16384",
    about: "How large all headers of an HTTP request may be together, the address included.",
    rule: "must be a whole number from 4096 to 262144",
    schema: wholeNumber(4_096, 262_144)
  }),
  gatewayGrace: setting({
    variable: "GATEWAY_GRACE_MILLIS",
    default: "0",
    about:
      "How long a gateway that stops still takes clients after /readyz says no, in milliseconds; for load balancers.",
    rule: "must be a whole number from 0 to 600000",
    schema: wholeNumber(0, 600_000)
  }),
  gatewayCompressFrom: setting({
    variable: "GATEWAY_COMPRESS_FROM",
    default: "0",
    about: "From how many bytes on frames are compressed, for clients that offer it; 0: none are.",
    rule: "must be a whole number from 0 to 1048576",
    schema: wholeNumber(0, MEBIBYTE)
  })
} as const
