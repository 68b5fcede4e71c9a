import type { NatsConnection } from "@nats-io/transport-node"
import type { LogLimits } from "../log.ts"

/**
 * Subject, headers and protocol of a message, and what a dead letter says of the message that it holds, take at most
 * this of the server's `max_payload`, in bytes.
 */
const OVERHEAD_BYTES = 8_192
const GROUP_ENTRIES_MAX = 1_000
const GROUP_BYTES_MAX = 4 * 1024 * 1024

/** What the server takes. */
export const limitsOf = (connection: NatsConnection): LogLimits => ({
  payloadBytesMax: (connection.info?.max_payload ?? 1_048_576) - OVERHEAD_BYTES,
  groupEntriesMax: GROUP_ENTRIES_MAX,
  groupBytesMax: GROUP_BYTES_MAX
})
