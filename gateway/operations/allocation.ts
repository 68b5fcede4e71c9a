import { randomUUID } from "node:crypto"
import { Effect, type Schema } from "effect"
import {
  type Allocated,
  type AllocationBody,
  type AllocationOpen,
  AllocationProtocol,
  type AllocationResult,
  subjects,
  type UnknownAllocation
} from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { correlationOf } from "./analysis.ts"
import type { OverBudget } from "./budget.ts"
import { byOf, type Caller, messageIdOf, NotSeen, once, sharingOf } from "./caller.ts"
import type { TooManySymbols } from "./quota.ts"

export type AllocationFailure =
  | AskError
  | TooManySymbols
  | OverBudget
  | Schema.Schema.Type<typeof AllocationOpen>
  | Schema.Schema.Type<typeof UnknownAllocation>

/** How much longer than the symbols' decisions the answer is awaited, in milliseconds. */
const ANSWER_MARGIN_MILLIS = 5_000

/** What an allocation is known by, where its result stays, and what leads to it. */
export interface Allocation {
  /** Who asks again with the same key means the same one. */
  readonly id: string
  readonly correlationId: string
  readonly result: Effect.Effect<typeof Allocated.Type, AllocationFailure, Actors>
}

/** One decision over several symbols. */
export const runAllocation = ({
  payload,
  caller,
  correlationId: given
}: {
  readonly payload: AllocationBody
  readonly caller: Caller
  readonly correlationId: string | undefined
}): Allocation => {
  const correlationId = correlationOf(caller, payload.correlation_id, given)
  const id = messageIdOf(caller, "allocate").messageId ?? randomUUID()
  const result = Effect.map(allocate(payload, { id, correlationId, caller }), (found) => ({
    allocation_id: id,
    ...found
  }))
  return { id, correlationId, result }
}

/** One decision over several symbols, up to its targets. */
const allocate = (
  asked: AllocationBody,
  { id, correlationId, caller }: { readonly id: string; readonly correlationId: string; readonly caller: Caller }
): Effect.Effect<typeof AllocationResult.Type, AllocationFailure, Actors> =>
  Effect.gen(function* () {
    const { correlation_id: _, drawdown = 0, vetoed = [], timeout_ms = caller.analysisMillis, ...body } = asked
    const symbols = body.holdings.map(({ symbol }) => symbol)
    const counted = {
      first: Effect.andThen(caller.quota.name(symbols), caller.budget.begin(asked, symbols.length)),
      again: caller.budget.store(asked)
    }
    const request = { ...body, correlation_id: correlationId, drawdown, vetoed, timeout_ms, ...sharingOf(caller) }
    const options = { correlationId, timeout: timeout_ms + ANSWER_MARGIN_MILLIS }
    const { ask } = yield* Actors
    return yield* once(caller, { operation: "allocate", target: "", body: asked }, counted, (sent) =>
      ask(AllocationProtocol, id, "Allocate", { request }, { ...options, ...sent })
    )
  })

/**
 * The targets, or null as long as decisions are awaited: of one's own, or of one of the house whose events one may see. Those of
 * others are not known.
 */
export const allocationResult = (
  id: string,
  caller: Caller
): Effect.Effect<typeof AllocationResult.Type | null, AllocationFailure | NotSeen, Actors> => {
  const pattern = subjects.coordination("allocation", id)
  const sees = caller.grant === undefined || caller.grant.sees(pattern)
  return Actors.use((actors) => actors.ask(AllocationProtocol, id, "GetResult", { ...byOf(caller), sees })).pipe(
    Effect.catchTag("UnknownAllocation", (unknown) =>
      Effect.fail(unknown.unseen === true ? new NotSeen({ pattern }) : unknown)
    )
  )
}
