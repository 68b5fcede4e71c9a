import { Effect } from "effect"
import { NotReady } from "../serving.ts"
import { GatewayState } from "./gateway-state.ts"

const READY_TIMEOUT = "2 seconds"

/** That the gateway is alive, and what is counted of it. */
export const health = GatewayState.useSync((state) => ({ status: "ok", ...state.health() }) as const)

/** That requests may come, found out within two seconds. */
export const readiness: Effect.Effect<{ readonly status: "ready" }, NotReady, GatewayState> = GatewayState.use(
  ({ ready }) => ready
).pipe(
  Effect.timeoutOrElse({
    duration: READY_TIMEOUT,
    orElse: () => Effect.fail(new NotReady({ detail: "the log does not answer" }))
  }),
  Effect.catchDefect((defect) =>
    Effect.andThen(
      Effect.logError("readiness failed", defect),
      Effect.fail(new NotReady({ detail: "the check failed" }))
    )
  ),
  Effect.as({ status: "ready" } as const)
)
