export { defaultLimits, type GatewayLimits } from "./policy.ts"
export { Gateway, type GatewayOptions, serveGateway } from "./server.ts"
export { ListenFailed, PortTaken } from "./uws.ts"
