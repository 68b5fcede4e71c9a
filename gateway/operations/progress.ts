import { Deferred, Effect, Result, Schema, type Scope } from "effect"
import { AgentCoordination, subjects } from "../../protocols/index.ts"
import type { LogUnavailable } from "../../runtime/index.ts"
import type { Fanout } from "../streams/fanout.ts"
import type { TooManyPatterns } from "../streams/pattern-counts.ts"

const Coordination = Schema.Struct({ type: Schema.Literal("agent_coordination"), data: AgentCoordination })
const TELL_WITHIN = "250 millis"
const decodeEvent = Schema.decodeUnknownResult(Schema.fromJsonString(Coordination))

/** What happened in an analysis, as its asker is told. */
export type AnalysisProgress = {
  readonly stage: "accepted" | "round_opened" | "vote" | "abstention" | "escalation"
  readonly [key: string]: unknown
}

/** The analysis that is followed. Anybody may give the same correlation id; `followId` is given where clients are told apart, to nobody else. */
export interface Followed {
  readonly symbol: string
  readonly correlationId: string
  readonly followId: string | undefined
}

/**
 * Tells the stages of an analysis, from now on until the scope closes.
 *
 * It reads the events of the symbol's rounds as a subscriber does: what it tells is stored, and comes in order.
 *
 * @returns what waits until all of a round that has been seen is told, for a moment at most: an answer takes a shorter way than events
 */
export const followAnalysis = (
  fanout: Pick<Fanout, "subscribe">,
  { symbol, correlationId, followId }: Followed,
  tell: (progress: AnalysisProgress) => void
): Effect.Effect<Effect.Effect<void>, LogUnavailable | TooManyPatterns, Scope.Scope> => {
  const ended = Deferred.makeUnsafe<void>()
  const allTold = Effect.suspend(() =>
    round === undefined ? Effect.void : Effect.asVoid(Effect.timeoutOption(Deferred.await(ended), TELL_WITHIN))
  )
  let round: unknown
  const see = ({ message_type, payload }: typeof AgentCoordination.Type): void => {
    const { consensus_id, correlation_id, follow_id, agent_id, decision, confidence, reason, invited } = payload
    if (message_type === "consensus_request" && correlation_id === correlationId && follow_id === followId) {
      round = consensus_id
      return tell({ stage: "round_opened", consensus_id, invited })
    }
    if (round === undefined || consensus_id !== round) return
    if (message_type === "vote") tell({ stage: "vote", consensus_id, agent_id, decision, confidence })
    else if (message_type === "abstention") tell({ stage: "abstention", consensus_id, agent_id, reason })
    else if (message_type === "escalation") tell({ stage: "escalation", consensus_id })
    else if (message_type === "consensus_result") Deferred.doneUnsafe(ended, Effect.void)
  }
  const subscribed = fanout.subscribe(subjects.coordination("*", symbol), "new", {
    joined: () => {},
    deliver: (events) => {
      for (const { opening } of events) {
        const event = decodeEvent(`${opening}}`)
        if (Result.isSuccess(event)) see(event.success.data)
      }
    },
    missing: () => {},
    caughtUp: () => {},
    broken: () => {},
    hold: () => {},
    ready: Effect.void
  })
  return Effect.as(subscribed, allTold)
}
