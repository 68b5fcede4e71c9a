import type { GatewayLimits, GatewayOptions } from "../../gateway/index.ts"
import type { Configuration } from "../config.ts"

const limitsOf = (config: Configuration): Partial<GatewayLimits> => ({
  connectionsMax: config.gatewayConnections,
  connectionsPerAddressMax: config.gatewayConnectionsPerAddress,
  subscriptionsMax: config.gatewaySubscriptions,
  patternsMax: config.gatewayPatterns,
  patternsPerClientMax: config.gatewayPatternsPerClient,
  operationsPerSecond: config.gatewayFramesPerSecond,
  asksPerSecond: config.gatewayAsksPerSecond,
  asksPerSecondPerClient: config.gatewayAsksPerSecondPerClient,
  historiesPerSecond: config.gatewayHistoriesPerSecond,
  historiesPerSecondPerClient: config.gatewayHistoriesPerSecondPerClient,
  bytesPerSecond: config.gatewayBytesPerSecond,
  frameBytesMax: config.gatewayFrameBytes,
  unauthenticatedMax: config.gatewayUnauthenticated,
  unauthenticatedPerAddressMax: config.gatewayUnauthenticatedPerAddress,
  unauthenticatedBytesMax: config.gatewayUnauthenticatedBytes,
  handshakesPerSecond: config.gatewayHandshakesPerSecond,
  pendingBytesMax: config.gatewayPendingBytes,
  queueBytesMax: config.gatewayQueueBytes,
  stallMillis: config.gatewayStall,
  symbolsMax: config.gatewaySymbols,
  roundsMax: config.gatewayRounds,
  roundsPerMinute: config.gatewayRoundsPerMinute,
  roundsPerSecond: config.gatewayRoundsPerSecond,
  bytesPerMinute: config.gatewayBytesPerMinute,
  bytesPerDay: config.gatewayBytesPerDay,
  graceMillis: config.gatewayGrace,
  requestsPerSecond: config.gatewayRequestsPerSecond,
  bodyBytesMax: config.gatewayBodyBytes,
  bodyBytesPerSecond: config.gatewayBodyBytesPerSecond,
  bodiesBytesMax: config.gatewayBodiesBytes,
  bodyMillis: config.gatewayBodyMillis,
  compressBytesMin: config.gatewayCompressFrom
})

/** How clients prove who they are; nothing where no variable says anything of it. */
const authOf = (config: Configuration): Pick<GatewayOptions, "auth"> => {
  const auth = {
    secret: config.gatewaySecret,
    publicKeyFile: config.gatewayPublicKey,
    jwksFile: config.gatewayJwks,
    issuer: config.gatewayIssuer,
    audience: config.gatewayAudience,
    keysFile: config.gatewayKeys
  }
  return Object.values(auth).some((value) => value !== undefined) ? { auth } : {}
}

/** What the configuration says of the gateway, except where it listens. */
export const gatewayOptions = (config: Configuration): Omit<GatewayOptions, "host" | "port"> => ({
  limits: limitsOf(config),
  allowedOrigins: config.gatewayOrigins,
  hosts: config.gatewayHosts,
  ...authOf(config),
  ...((config.gatewayCertificate !== undefined || config.gatewayCertificateKey !== undefined) && {
    tls: { certificate: config.gatewayCertificate ?? "", key: config.gatewayCertificateKey ?? "" }
  })
})
