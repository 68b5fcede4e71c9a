// What calls of models came to: in the request that they were made for, and over the agent's life.
import type { BreakerState, ModelCallBegun, ModelName, ModelUsage } from "../../protocols/index.ts"
import { addUsage, noUsage } from "../model/prices.ts"
import type { Account, Entry, ModelConversation, Receipt, State } from "./state.ts"

/** Of so many models an agent keeps accounts; of others it still keeps those of their decisions. */
const MODELS_MAX = 16

/**
 * Notes that a request begins. One that is known already, because it was told of twice, is not counted again. One that
 * comes when nobody waits for it any more is lost.
 */
export const begin = (
  state: State,
  asked: ModelConversation | undefined,
  told: Pick<Entry, "activity" | "call">
): [State, ModelConversation?] => {
  const { activity, call } = told
  if (asked === undefined) return [charge(state, call.model, lostUsage(call))]
  if (asked.calls.some((each) => each.call.call_id === call.call_id)) return [state, asked]
  if (asked.fallback === undefined)
    return [state, { ...asked, calls: [...asked.calls, { activity, call, settled: false }] }]
  const usage = lostUsage(call)
  const entry = { activity, call, settled: true }
  return [
    charge(state, call.model, usage),
    { ...asked, calls: [...asked.calls, entry], usage: addUsage(asked.usage, usage) }
  ]
}

/** Accounts for the requests of an activity that is over: by its receipts, and as lost those that it does not know of. */
export const settle = (
  state: State,
  asked: ModelConversation,
  activity: string,
  receipts: ReadonlyArray<Receipt>
): [State, ModelConversation] => {
  const open = asked.calls.filter((each) => each.activity === activity && !each.settled)
  const known = new Map(receipts.map((receipt) => [receipt.call_id, receipt]))
  const usage = open.map(({ call }) => usageOf(call, known.get(call.call_id))).reduce(addUsage, noUsage)
  const calls = asked.calls.map((each) => (each.activity === activity ? { ...each, settled: true } : each))
  return [charge(state, asked.model, usage), { ...asked, calls, usage: addUsage(asked.usage, usage) }]
}

/** Accounts for a request that is given up while its activity runs. */
export const settleAll = (state: State, asked: ModelConversation): [State, ModelConversation] =>
  [...new Set(asked.calls.map(({ activity }) => activity))].reduce<[State, ModelConversation]>(
    ([left, still], activity) => settle(left, still, activity, []),
    [state, asked]
  )

export const seeBreaker = (state: State, model: ModelName, breaker: BreakerState, at: number): State =>
  change(state, model, (account) => ({ ...account, breaker, seen: at }))

const usageOf = (call: ModelCallBegun, receipt: Receipt | undefined): ModelUsage => {
  if (receipt === undefined || receipt.lost) return lostUsage(call)
  const { input_tokens, output_tokens, cost_usd } = receipt
  return {
    ...noUsage,
    calls: 1,
    input_tokens: input_tokens ?? 0,
    output_tokens: output_tokens ?? 0,
    cost_usd
  }
}

const lostUsage = ({ estimated_cost_usd }: ModelCallBegun): ModelUsage => ({
  ...noUsage,
  calls: 1,
  lost_calls: 1,
  estimated_lost_cost_usd: estimated_cost_usd
})

const charge = (state: State, model: ModelName, usage: ModelUsage): State =>
  usage.calls === 0 ? state : change(state, model, (account) => ({ ...account, usage: addUsage(account.usage, usage) }))

const change = (state: State, model: ModelName, next: (account: Account) => Account): State => {
  const accounts = new Map(Object.entries(state.accounts ?? {}))
  const account = accounts.get(model)
  if (account === undefined && accounts.size >= MODELS_MAX) return state
  accounts.set(model, next(account ?? { usage: noUsage, breaker: "closed", seen: null }))
  return { ...state, accounts: Object.fromEntries(accounts) }
}
