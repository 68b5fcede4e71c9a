/** What the gateway takes before it says no. Each limit is named in the error of who breaks it. */
export interface GatewayLimits {
  /** Clients at one time, over WebSocket and server-sent events. */
  readonly connectionsMax: number
  /** The same, from one address. */
  readonly connectionsPerAddressMax: number
  /** TCP connections at one time, of whatever protocol; no more than the process has files for. One too many is closed at once. */
  readonly socketsMax: number
  /** Subscriptions of one client, those being opened included. */
  readonly subscriptionsMax: number
  /** Different patterns that all clients together may want, but for those that another one covers. */
  readonly patternsMax: number
  /** Different patterns that all connections of one client may want, where clients are told apart. */
  readonly patternsPerClientMax: number
  /** Operations of one client per second; as many may come at once after a pause. */
  readonly operationsPerSecond: number
  /** Bytes of one frame from a client. A longer one gets an error, and is not read. */
  readonly frameBytesMax: number
  /** Bytes that wait for one client which does not read. Past this its subscriptions' policies rule. */
  readonly pendingBytesMax: number
  /** Bytes of those that are in its socket already, where no policy reaches them. */
  readonly socketBytesMax: number
  /** Different symbols that one client may name while the gateway runs: each is an actor, which stays. */
  readonly symbolsMax: number
  /** Rounds that one client may have under way; each counts for as long as it may take. */
  readonly roundsMax: number
  /** Rounds and analyses that one client may begin per minute; a fifth of them at once after a pause. */
  readonly roundsPerMinute: number
  /** The same of all clients of a gateway together, per second; five seconds' worth at once after a pause. What is more waits for its turn. */
  readonly roundsPerSecond: number
  /** Bytes that one client may have stored per minute and per day; each round counts as 16 KiB besides what was sent. */
  readonly bytesPerMinute: number
  readonly bytesPerDay: number
  /** HTTP requests of one address per second; as many may come at once after a pause. */
  readonly requestsPerSecond: number
  /** Bytes of one HTTP body. */
  readonly bodyBytesMax: number
  /** Frames from this size on are compressed for clients that offer it (permessage-deflate); 0: none are. */
  readonly compressBytesMin: number
  /** Seconds without a sign of life, pongs included, before a client is closed. 8 to 960. */
  readonly idleSeconds: number
  /** How long a client may take to say who it is, where it has to, in milliseconds. */
  readonly authMillis: number
  /** How long a stopping gateway still takes connections and requests after `/readyz` says no, in milliseconds. */
  readonly graceMillis: number
  /** How long a stopping gateway waits for answers that are under way, in milliseconds. */
  readonly drainMillis: number
  /** How long a client that is being closed may take to read what waits for it, in milliseconds. */
  readonly farewellMillis: number
}

export const defaultLimits: GatewayLimits = {
  connectionsMax: 10_000,
  connectionsPerAddressMax: 1_000,
  socketsMax: Number.POSITIVE_INFINITY,
  subscriptionsMax: 64,
  patternsMax: 10_000,
  patternsPerClientMax: 500,
  operationsPerSecond: 200,
  frameBytesMax: 64 * 1024,
  pendingBytesMax: 8 * 1024 * 1024,
  socketBytesMax: 64 * 1024,
  symbolsMax: 500,
  roundsMax: 100,
  roundsPerMinute: 300,
  roundsPerSecond: 10,
  bytesPerMinute: 8 * 1024 * 1024,
  bytesPerDay: 1024 * 1024 * 1024,
  requestsPerSecond: 200,
  bodyBytesMax: 1024 * 1024,
  compressBytesMin: 0,
  idleSeconds: 60,
  authMillis: 5_000,
  graceMillis: 0,
  drainMillis: 2_000,
  farewellMillis: 5_000
}

/** What the limits that people may want to change are called in the configuration, and in the errors that name them. */
export const limitNames = {
  connectionsMax: "GATEWAY_CONNECTIONS",
  connectionsPerAddressMax: "GATEWAY_CONNECTIONS_PER_ADDRESS",
  subscriptionsMax: "GATEWAY_SUBSCRIPTIONS",
  patternsMax: "GATEWAY_PATTERNS",
  patternsPerClientMax: "GATEWAY_PATTERNS_PER_CLIENT",
  operationsPerSecond: "GATEWAY_FRAMES_PER_SECOND",
  frameBytesMax: "GATEWAY_FRAME_BYTES",
  pendingBytesMax: "GATEWAY_PENDING_BYTES",
  symbolsMax: "GATEWAY_SYMBOLS",
  roundsMax: "GATEWAY_ROUNDS",
  roundsPerMinute: "GATEWAY_ROUNDS_PER_MINUTE",
  roundsPerSecond: "GATEWAY_ROUNDS_PER_SECOND",
  bytesPerMinute: "GATEWAY_BYTES_PER_MINUTE",
  bytesPerDay: "GATEWAY_BYTES_PER_DAY",
  requestsPerSecond: "GATEWAY_REQUESTS_PER_SECOND",
  bodyBytesMax: "GATEWAY_BODY_BYTES"
} as const satisfies Partial<Record<keyof GatewayLimits, string>>
