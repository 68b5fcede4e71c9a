export { Claims, Operation, Subject } from "./auth/grant.ts"
export { AuthOptions, InvalidAuth } from "./auth/options.ts"
export { privateKey, secretKey, signToken } from "./auth/token.ts"
export { socketsAllowed } from "./files.ts"
export { statusProbe } from "./operations/messages.ts"
export type { AnalysisProgress } from "./operations/progress.ts"
export { api } from "./operations/table/index.ts"
export { SimulationRunning, type TaskRunners, type TellTask } from "./operations/tasks.ts"
export { defaultLimits, type GatewayLimits, hostFault, isLoopback, limitNames } from "./policy.ts"
export {
  OperationFailed,
  type ProgramOperations,
  type ProgramOptions,
  programOperations,
  readGiven
} from "./program.ts"
export { Gateway, type GatewayOptions, serveGateway } from "./server.ts"
export { NotReady, SERVING, type ServingOptions } from "./serving.ts"
export { ListenFailed, PortTaken } from "./uws.ts"
