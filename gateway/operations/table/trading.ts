import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import {
  AccountId,
  AccountSwitched,
  Allocated,
  AllocationBody,
  AllocationId,
  AllocationResult,
  BarsBody,
  BarsTaken,
  MarketSymbol,
  PortfolioView,
  SwitchBody
} from "../../../protocols/index.ts"
import { asking, KNOWN } from "../../admission/access.ts"
import { allocationResult, runAllocation } from "../allocation.ts"
import { feedBars } from "../market.ts"
import { portfolio, turnSwitch } from "../portfolio.ts"
import { operation } from "./entry.ts"
import { CHANGES, headers, problems, READS } from "./schemas.ts"

const ALLOCATIONS = "/api/v1/agents/allocation"

/** Decisions over several symbols. */
export const allocations = HttpApiGroup.make("allocation").add(
  operation(
    HttpApiEndpoint.post("allocate", ALLOCATIONS, {
      headers,
      payload: AllocationBody,
      success: Allocated,
      error: problems(CHANGES)
    }),
    {
      summary: "One decision over several symbols with a shared risk budget",
      listed: "one decision over several symbols with a shared risk budget: holdings, and limits",
      access: asking("analyze"),
      run: (asked) => {
        const { id, correlationId, result } = runAllocation(asked)
        const headers = { location: `${ALLOCATIONS}/${id}`, "x-correlation-id": correlationId }
        return { correlationId, result, headers: () => headers }
      }
    }
  ),
  operation(
    HttpApiEndpoint.get("result", `${ALLOCATIONS}/:id`, {
      params: { id: AllocationId },
      success: Schema.Struct({ allocation_id: AllocationId, result: Schema.NullOr(AllocationResult) }),
      error: problems([404, ...READS])
    }),
    {
      summary: "Its targets, once they are decided",
      access: asking("status"),
      run: ({ params: { id }, caller }) => ({
        result: Effect.map(allocationResult(id, caller), (result) => ({ allocation_id: id, result }))
      })
    }
  )
)

/** Trading accounts. */
export const portfolios = HttpApiGroup.make("portfolio").add(
  operation(
    HttpApiEndpoint.get("show", "/api/v1/agents/portfolio/:account", {
      params: { account: AccountId },
      success: PortfolioView,
      error: problems([404, ...READS])
    }),
    {
      summary: "A trading account: cash, positions, orders, limits",
      access: asking("status"),
      run: ({ params: { account }, caller }) => ({ result: portfolio(account, caller) })
    }
  ),
  operation(
    HttpApiEndpoint.post("switch", "/api/v1/agents/portfolio/:account/switch", {
      params: { account: AccountId },
      headers,
      payload: SwitchBody,
      success: AccountSwitched,
      error: problems([404, ...CHANGES])
    }),
    {
      summary: "Stop or resume an account's entries, or close everything",
      listed: 'stop or resume entries, or close everything: {"action":"flatten"}',
      // Who has to stop trading is not stopped by what others do from the same address.
      access: { ...KNOWN, right: "trade", rated: "strangers" },
      run: ({ params: { account }, payload, caller }) => ({
        result: Effect.map(turnSwitch(account, payload, caller), (switched) => ({ account, ...switched }))
      })
    }
  )
)

/** What markets do. */
export const markets = HttpApiGroup.make("market").add(
  operation(
    HttpApiEndpoint.post("bars", "/api/v1/market/:symbol/bars", {
      params: { symbol: MarketSymbol },
      headers,
      payload: BarsBody,
      success: BarsTaken,
      error: problems([409, ...CHANGES])
    }),
    {
      summary: "What a market did: its next bars, oldest first",
      listed: 'what a market did, oldest first: {"bars":[{"time":<ms>,"open":…},…]}',
      access: { ...KNOWN, right: "feed" },
      run: ({ params: { symbol }, payload, caller }) => ({ result: feedBars(symbol, payload, caller) })
    }
  )
)
