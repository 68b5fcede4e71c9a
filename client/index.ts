// The client of the gateway's WebSocket, for browsers and Node. It needs nothing at run time but a `WebSocket`.
export { type ClientOptions, GatewayClient, type Subscription } from "./client.ts"
export {
  type AnyEvent,
  type EventOf,
  type EventUnder,
  type Gap,
  GatewayError,
  NoAnswer,
  type State
} from "./events.ts"
export type { SubscribeOptions } from "./subscription.ts"
