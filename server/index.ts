export { type DataFolderInUse, DataFolderUnusable, onDisk } from "./data-folder.ts"
export { folderBytes, sizeText } from "./data-size.ts"
export type { NatsServerFailed, PortTaken } from "./nats-process.ts"
export {
  type EmbeddedError,
  type EmbeddedNats,
  type EmbeddedOptions,
  embeddedNats,
  findBinary,
  NatsServerMissing,
  runningServer
} from "./nats-server.ts"
export { closeParts, namedServer, openServer, type Server, StopTimeout, withParts } from "./server.ts"
