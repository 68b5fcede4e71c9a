import { Effect } from "effect"
import {
  inCurrency,
  PortfolioProtocol,
  type PortfolioView,
  type SwitchBody,
  type Switched,
  subjects,
  type UnknownAccount
} from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import { type Caller, mustSee, type NotSeen, once, UNCOUNTED } from "./caller.ts"

export type PortfolioFailure = AskError | NotSeen | typeof UnknownAccount.Type

/** A trading account as it stands. What only answers is stored by nobody, and so needs no quota. */
export const portfolio = (account: string, caller: Caller): Effect.Effect<PortfolioView, PortfolioFailure, Actors> =>
  Effect.gen(function* () {
    yield* mustSee(caller, subjects.portfolio(account))
    return withAmounts(yield* (yield* Actors).ask(PortfolioProtocol, account, "GetPortfolio", {}))
  })

/** Money in the unit of prices, beside the millionths. */
const withAmounts = (view: PortfolioView): PortfolioView => {
  const { deposited, cash, equity, realized, fees, positions } = view
  return {
    ...view,
    amounts: inCurrency({ deposited, cash, equity, realized, fees }),
    positions: positions.map((position) => {
      const { cost, value, unrealized } = position
      return { ...position, amounts: inCurrency({ cost, value, unrealized }) }
    })
  }
}

/** Turns one of an account's switches. Turned again it stays as it is. No quota may refuse it: an unknown account stores nothing. */
export const turnSwitch = (
  account: string,
  { action, reason = "by a client" }: SwitchBody,
  caller: Caller
): Effect.Effect<typeof Switched.Type, PortfolioFailure, Actors> =>
  Effect.gen(function* () {
    const { ask } = yield* Actors
    return yield* once(
      caller,
      { operation: "switch", target: account, body: { action, reason } },
      UNCOUNTED,
      (sent) => {
        switch (action) {
          case "stop_entries":
            return ask(PortfolioProtocol, account, "StopEntries", { reason }, sent)
          case "resume_entries":
            return ask(PortfolioProtocol, account, "ResumeEntries", {}, sent)
          case "flatten":
            return ask(PortfolioProtocol, account, "Flatten", { reason }, sent)
        }
      }
    )
  })
