// What a performance actor remembers, and how it follows from its events. Pure and bounded.
import { Schema } from "effect"
import {
  ConsensusId,
  CorrelationId,
  Decision,
  open,
  type PerformanceProtocol,
  Probabilities,
  UnscoredReason
} from "../../protocols/index.ts"
import type { ActorStepBuilder } from "../../runtime/index.ts"
import { emptyLedger, Ledger, OpenDecision, recordOutcome, recordUnscored, recordVotes } from "../learning/ledger.ts"
import { type PricePoint, pushPrice } from "./horizon.ts"

/** A decision that waits for its outcome. */
export const PendingDecision = open({
  consensus_id: ConsensusId,
  correlation_id: CorrelationId,
  bar_time: Schema.Int,
  price: Schema.Finite,
  confidence: Schema.Finite,
  /** What the votes together said of each decision. */
  probabilities: Schema.optionalKey(Probabilities),
  decision: OpenDecision,
  experiment: Schema.NullOr(open({ name: Schema.String, request_id: Schema.String }))
})
export type PendingDecision = typeof PendingDecision.Type

export const State = open({
  ledger: Ledger,
  /** Oldest first. */
  prices: Schema.Array(open({ time: Schema.Int, price: Schema.Finite })),
  /** In the order they were told. */
  waiting: Schema.Array(PendingDecision)
})
export type State = typeof State.Type

export const initialState: State = { ledger: emptyLedger, prices: [], waiting: [] }

export const EVENTS = {
  PriceSeen: { time: Schema.Int, price: Schema.Finite },
  DecisionTold: { waiting: PendingDecision },
  // Rate and share are written down: replaying under another configuration gives the weights that were given.
  Scored: {
    consensus_id: ConsensusId,
    outcome: Decision,
    time: Schema.Int,
    price: Schema.Finite,
    learning_rate: Schema.Finite,
    share: Schema.Finite
  },
  Unscored: { consensus_id: ConsensusId, reason: UnscoredReason }
}

/** That a decision has its outcome. */
export type ScoredFields = Schema.Struct<(typeof EVENTS)["Scored"]>["Type"]

type Protocol = typeof PerformanceProtocol

export type PerformanceStep = ActorStepBuilder<Protocol, State, typeof EVENTS>

export const evolve = {
  PriceSeen: (state: State, point: PricePoint): State => ({ ...state, prices: pushPrice(state.prices, point) }),
  DecisionTold: (state: State, { waiting }: { waiting: PendingDecision }): State => ({
    ...state,
    ledger: recordVotes(state.ledger, waiting.decision.votes, waiting.decision.final_decision),
    waiting: [...state.waiting, waiting]
  }),
  Scored: (state: State, event: ScoredFields): State => {
    const waiting = state.waiting.find((each) => each.consensus_id === event.consensus_id)
    if (waiting === undefined) return state
    const options = { learningRate: event.learning_rate, share: event.share }
    return {
      ...without(state, event.consensus_id),
      ledger: recordOutcome(state.ledger, waiting.decision, event.outcome, options)
    }
  },
  Unscored: (state: State, { consensus_id, reason }: { consensus_id: string; reason: UnscoredReason }): State => ({
    ...without(state, consensus_id),
    ledger: recordUnscored(state.ledger, reason)
  })
}

const without = (state: State, consensusId: string): State => ({
  ...state,
  waiting: state.waiting.filter((each) => each.consensus_id !== consensusId)
})
