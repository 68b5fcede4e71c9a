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
  /** Operations of one client per second that actors answer: each is stored, and costs more than all that the gateway does. */
  readonly asksPerSecond: number
  /** The same on all connections and in all HTTP requests of one client together; of an address, where clients are not told apart. */
  readonly asksPerSecondPerClient: number
  /** Subscriptions of one client per second that begin in the past; as many as it may have may come at once after a pause. */
  readonly historiesPerSecond: number
  /** The same on all connections and event streams of one client together; ten seconds' worth at once after a pause. */
  readonly historiesPerSecondPerClient: number
  /** Bytes that one client may send per second, in frames; as many may come at once after a pause. */
  readonly bytesPerSecond: number
  /** Bytes of one frame from a client. A longer one gets an error, and is not read; one of twice that ends the connection. */
  readonly frameBytesMax: number
  /** Clients over WebSocket that have not said who they are, where they have to. One more takes the place of the oldest. */
  readonly unauthenticatedMax: number
  /** The same, from one address. */
  readonly unauthenticatedPerAddressMax: number
  /** Bytes that a client may send before it is known who it is. */
  readonly unauthenticatedBytesMax: number
  /** Handshakes of one address per second that bring no good credential, where one is needed. */
  readonly handshakesPerSecond: number
  /** Bytes that wait for one client which does not read. Past this its subscriptions' policies rule. */
  readonly pendingBytesMax: number
  /** Bytes of those that are in its socket already, where no policy reaches them. */
  readonly socketBytesMax: number
  /** Bytes that wait for all clients together. Past this those for whom most waits lose of it, or are closed. */
  readonly queueBytesMax: number
  /** How long a client for whom something waits may take none of it, in milliseconds, whatever its policies. */
  readonly stallMillis: number
  /** Different symbols that one client may name while the gateway runs: each is an actor, which stays. */
  readonly symbolsMax: number
  /** Rounds that one client may have under way; each counts for as long as it may take. */
  readonly roundsMax: number
  /** Rounds and analyses that one client may begin per minute; a fifth of them at once after a pause. */
  readonly roundsPerMinute: number
  /** The same of all clients of a gateway together, per second; five seconds' worth at once after a pause. What is more waits for its turn. */
  readonly roundsPerSecond: number
  /** How long an analysis may take whose request says nothing of it, in milliseconds. */
  readonly analysisMillis: number
  /** Bytes that one client may have stored per minute and per day; each round counts as 16 KiB besides what was sent. */
  readonly bytesPerMinute: number
  readonly bytesPerDay: number
  /** HTTP requests of one address per second; as many may come at once after a pause. */
  readonly requestsPerSecond: number
  /** Bytes of one HTTP body. */
  readonly bodyBytesMax: number
  /** Bytes of HTTP bodies of one address per second; as many, and at least one body, may come at once after a pause. */
  readonly bodyBytesPerSecond: number
  /** Bytes of HTTP bodies that are on their way, of all requests together. */
  readonly bodiesBytesMax: number
  /** How long an HTTP body may take to come, in milliseconds. */
  readonly bodyMillis: number
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
  asksPerSecond: 10,
  asksPerSecondPerClient: 200,
  historiesPerSecond: 4,
  historiesPerSecondPerClient: 80,
  bytesPerSecond: 256 * 1024,
  frameBytesMax: 64 * 1024,
  unauthenticatedMax: 1_000,
  unauthenticatedPerAddressMax: 100,
  unauthenticatedBytesMax: 16 * 1024,
  handshakesPerSecond: 200,
  pendingBytesMax: 8 * 1024 * 1024,
  socketBytesMax: 64 * 1024,
  queueBytesMax: 128 * 1024 * 1024,
  stallMillis: 30_000,
  symbolsMax: 500,
  roundsMax: 100,
  roundsPerMinute: 300,
  roundsPerSecond: 10,
  analysisMillis: 30_000,
  bytesPerMinute: 8 * 1024 * 1024,
  bytesPerDay: 1024 * 1024 * 1024,
  requestsPerSecond: 200,
  bodyBytesMax: 1024 * 1024,
  bodyBytesPerSecond: 8 * 1024 * 1024,
  bodiesBytesMax: 64 * 1024 * 1024,
  bodyMillis: 30_000,
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
  asksPerSecond: "GATEWAY_ASKS_PER_SECOND",
  asksPerSecondPerClient: "GATEWAY_ASKS_PER_SECOND_PER_CLIENT",
  historiesPerSecond: "GATEWAY_HISTORIES_PER_SECOND",
  historiesPerSecondPerClient: "GATEWAY_HISTORIES_PER_SECOND_PER_CLIENT",
  bytesPerSecond: "GATEWAY_BYTES_PER_SECOND",
  frameBytesMax: "GATEWAY_FRAME_BYTES",
  unauthenticatedMax: "GATEWAY_UNAUTHENTICATED",
  unauthenticatedPerAddressMax: "GATEWAY_UNAUTHENTICATED_PER_ADDRESS",
  unauthenticatedBytesMax: "GATEWAY_UNAUTHENTICATED_BYTES",
  handshakesPerSecond: "GATEWAY_HANDSHAKES_PER_SECOND",
  pendingBytesMax: "GATEWAY_PENDING_BYTES",
  queueBytesMax: "GATEWAY_QUEUE_BYTES",
  stallMillis: "GATEWAY_STALL_MILLIS",
  symbolsMax: "GATEWAY_SYMBOLS",
  roundsMax: "GATEWAY_ROUNDS",
  roundsPerMinute: "GATEWAY_ROUNDS_PER_MINUTE",
  roundsPerSecond: "GATEWAY_ROUNDS_PER_SECOND",
  bytesPerMinute: "GATEWAY_BYTES_PER_MINUTE",
  bytesPerDay: "GATEWAY_BYTES_PER_DAY",
  requestsPerSecond: "GATEWAY_REQUESTS_PER_SECOND",
  bodyBytesMax: "GATEWAY_BODY_BYTES",
  bodyBytesPerSecond: "GATEWAY_BODY_BYTES_PER_SECOND",
  bodiesBytesMax: "GATEWAY_BODIES_BYTES",
  bodyMillis: "GATEWAY_BODY_MILLIS"
} as const satisfies Partial<Record<keyof GatewayLimits, string>>
