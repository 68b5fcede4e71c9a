import type { Schema } from "effect"
import { omitUndefined } from "../../runtime/index.ts"
import { begin, seeBreaker, settle, settleAll } from "./accounts.ts"
import { ANSWERED_KEPT, type events, type ModelConversation, type Request, type State } from "./state.ts"

type Event<Tag extends keyof typeof events> = Schema.Struct<(typeof events)[Tag]>["Type"]

/** The state after each event. Pure. */
export const evolve = {
  Requested: (state: State, { request }: Event<"Requested">): State => ({
    ...state,
    requests: [...state.requests, request]
  }),
  ModelCallBegun: (state: State, { consensus_id, activity, call }: Event<"ModelCallBegun">): State => {
    const [next, asked] = begin(state, askedOf(state, consensus_id), { activity, call })
    return asked === undefined ? next : withAsked(next, consensus_id, asked)
  },
  ModelAnswered: (state: State, { consensus_id, activity, receipts, turn, fault }: Event<"ModelAnswered">): State =>
    changeAsked(state, consensus_id, (asked) => {
      const [next, settled] = settle(state, asked, activity, receipts)
      return [next, { ...settled, turns: [...settled.turns, turn], ...omitUndefined({ fault }) }]
    }),
  ToolsRefused: (state: State, { consensus_id, activity, receipts }: Event<"ToolsRefused">): State =>
    changeAsked(state, consensus_id, (asked) => {
      const [next, settled] = settle(state, asked, activity, receipts)
      return [next, { ...settled, toolless: true }]
    }),
  FellBack: (state: State, { consensus_id, activity, receipts, fallback }: Event<"FellBack">): State =>
    changeAsked(state, consensus_id, (asked) => {
      const [next, settled] = settleAll(...settle(state, asked, activity, receipts))
      return [next, { ...settled, fallback }]
    }),
  ToolStateSeen: (state: State, { tool, state: seen }: Event<"ToolStateSeen">): State => {
    const { [tool]: _, ...others } = state.tools ?? {}
    return { ...state, tools: seen === "closed" ? others : { ...others, [tool]: seen } }
  },
  BreakerSeen: (state: State, { model, breaker, at }: Event<"BreakerSeen">): State =>
    seeBreaker(state, model, breaker, at),
  ToolsUsed: (state: State, { consensus_id, calls }: Event<"ToolsUsed">): State =>
    changeAsked(state, consensus_id, (asked) => {
      const last = asked.turns.at(-1)
      if (last === undefined || (asked.toolless === true && asked.measured === undefined))
        return [state, { ...asked, measured: calls }]
      return [state, { ...asked, turns: [...asked.turns.slice(0, -1), { ...last, calls }] }]
    }),
  Answered: (state: State, { consensus_id }: Event<"Answered">): State => close(state, consensus_id),
  Failed: (state: State, { consensus_id }: Event<"Failed">): State => close(state, consensus_id)
}

/** The tools that an agent does without at present. */
export const unavailableOf = ({ tools = {} }: State): ReadonlyArray<string> =>
  Object.entries(tools).flatMap(([tool, state]) => (state === "open" ? [tool] : []))

export const requestOf = (state: State, consensusId: string): Request | undefined =>
  state.requests.find((each) => each.consensus_id === consensusId)

const askedOf = (state: State, consensusId: string): ModelConversation | undefined =>
  requestOf(state, consensusId)?.asked

const changeAsked = (
  state: State,
  consensusId: string,
  next: (asked: ModelConversation) => [State, ModelConversation]
): State => {
  const asked = askedOf(state, consensusId)
  if (asked === undefined) return state
  const [changed, after] = next(asked)
  return withAsked(changed, consensusId, after)
}

const withAsked = (state: State, consensusId: string, asked: ModelConversation): State => ({
  ...state,
  requests: state.requests.map((each) => (each.consensus_id === consensusId ? { ...each, asked } : each))
})

/** A request is over; what a model was asked for it and has not answered is lost. */
const close = (state: State, consensusId: string): State => {
  const asked = askedOf(state, consensusId)
  const [left] = asked === undefined ? [state] : settleAll(state, asked)
  return {
    ...left,
    requests: left.requests.filter((each) => each.consensus_id !== consensusId),
    answered: [...left.answered, consensusId].slice(-ANSWERED_KEPT)
  }
}
