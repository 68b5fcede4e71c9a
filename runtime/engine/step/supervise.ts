import { Duration } from "effect"
import { type Directive, type Failure, resume } from "../../supervision.ts"
import type { ActorState } from "./actor-state.ts"
import type { Compiled } from "./compiled.ts"

/** What a message that is parked means for its actor. */
export interface Consequences {
  readonly stops: boolean
  readonly escalates: boolean
}

const BACKOFF_MAX_MILLIS = 60_000

/** What the type's supervision says of a kind of failure. */
export const directiveFor = (compiled: Compiled, failure: Failure): Directive => {
  const { supervision } = compiled.definition
  // Trying again helps neither of these.
  if (supervision === undefined || failure === "stopped" || failure === "start") return resume
  return supervision[failure] ?? resume
}

/** How long to wait before a message that failed is tried again, in milliseconds; nothing if it is to be parked. */
export const retryAfter = (compiled: Compiled, failure: Failure, attempts: number): number | undefined => {
  const directive = directiveFor(compiled, failure)
  if (directive.directive !== "restart" || attempts >= directive.attempts) return undefined
  const first = Duration.toMillis(Duration.fromInputUnsafe(directive.backoff))
  return Math.min(BACKOFF_MAX_MILLIS, first * 2 ** (attempts - 1))
}

/** What follows for an actor when one of its messages is parked. `time` is the message's, in milliseconds since 1970. */
export const consequencesOf = (compiled: Compiled, core: ActorState, failure: Failure, time: number): Consequences => {
  if (core.stopped) return { stops: false, escalates: false }
  const { directive } = directiveFor(compiled, failure)
  const excess = directiveBeyondLimit(compiled, core, time)
  return {
    stops: directive === "stop" || excess === "stop",
    escalates: directive === "escalate" || excess === "escalate"
  }
}

const directiveBeyondLimit = (compiled: Compiled, core: ActorState, time: number): "stop" | "escalate" | undefined => {
  const limit = compiled.definition.supervision?.limit
  if (limit === undefined) return undefined
  const since = time - Duration.toMillis(Duration.fromInputUnsafe(limit.within))
  const recent = core.failures.filter((failed) => failed >= since).length
  return recent >= limit.failures ? limit.directive : undefined
}
