import { Context, type Effect } from "effect"
import type { NotReady } from "../serving.ts"
import type { Fanout } from "../streams/fanout.ts"
import type { ReadSystem } from "./system.ts"
import type { Tasks } from "./tasks.ts"

/** What operations read of the gateway itself. */
export class GatewayState extends Context.Service<
  GatewayState,
  {
    /** Reads events as a subscriber does. */
    readonly events: Pick<Fanout, "subscribe">
    readonly system: ReadSystem
    /** What was begun and takes longer than a request is waited for. */
    readonly tasks: Tasks
    /** Whether requests may come. */
    readonly ready: Effect.Effect<void, NotReady>
    /** What is counted of it now. */
    readonly health: () => {
      readonly version: string
      readonly uptime_seconds: number
      readonly connections: number
      readonly subscriptions: number
      readonly watches: number
    }
  }
>()("conclave/gateway/GatewayState") {}
