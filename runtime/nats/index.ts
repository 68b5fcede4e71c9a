/**
 * The ports of the runtime on NATS: what a process needs to run actors, to talk to them, to read their events, and to operate them.
 * Nothing else of the runtime loads a NATS client.
 */
export { showServers } from "./address.ts"
export type { NatsOptions } from "./connection.ts"
export { NO_NODE } from "./door/ask.ts"
export {
  layerEvents,
  layerNats,
  layerNatsClient,
  layerNatsOutside,
  layerOperators,
  layerOperatorsOutside,
  type SystemOptions
} from "./layer.ts"
