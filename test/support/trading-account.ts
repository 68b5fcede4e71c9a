import { Schema } from "effect"
import { ACCOUNT_DEFAULTS, type AccountRules } from "../../actors/portfolio/limits.ts"
import { type PortfolioOptions, portfolioActor } from "../../actors/portfolio/portfolio.ts"
import { type Decision, OrderUpdate, PortfolioProtocol, PortfolioView } from "../../protocols/index.ts"
import type { Payload } from "../../runtime/index.ts"
import { Decider } from "./decider.ts"

const DAY = 86_400_000
const START = Date.UTC(2024, 0, 2)

export const idOf = (index: number) => `01HNZX8JGFACFA36RBXDH${String(index).padStart(5, "0")}`

/** An account of a test's own with 10,000 and neither fee nor slippage, and short words for what happens to it. */
export const openAccount = ({
  rules,
  ...options
}: Partial<Omit<PortfolioOptions, "rules">> & { rules?: Partial<AccountRules> } = {}) => {
  const free = { ...ACCOUNT_DEFAULTS, fee: 0, slippage: 0, maxPosition: 0.5, ...rules }
  const world = new Decider([portfolioActor({ deposit: 10_000, rules: free, ...options })])
  let decisions = 0
  let day = 0
  const tell = <K extends keyof (typeof PortfolioProtocol)["messages"]>(
    message: K,
    payload: Payload<typeof PortfolioProtocol, K>
  ) => world.ask(PortfolioProtocol, "main", message, payload)
  const place = () => world.runActivities()
  return {
    world,
    place,
    bar: (open: number, close = open, symbol = "ACME") => {
      world.advance(DAY)
      tell("Price", { symbol, time: START + ++day * DAY, open, close })
    },
    decide: (
      decision: Decision,
      confidence = 1,
      price = 100,
      symbol = "ACME",
      id = idOf(++decisions),
      placed = true
    ) => {
      const bar_time = START + day * DAY
      tell("Decided", { consensus_id: id, symbol, decision, confidence, bar_time, price })
      if (placed) place()
    },
    stop: () => tell("StopEntries", { reason: "by hand" })?.body,
    resume: () => tell("ResumeEntries", {})?.body,
    flatten: () => tell("Flatten", { reason: "by hand" })?.body,
    filled: (order_id: string, price: number) => tell("Filled", { order_id, price, fee: 0 }),
    view: () => Schema.decodeUnknownSync(PortfolioView)(tell("GetPortfolio", {})?.body),
    updates: (symbol = "ACME") =>
      world.seen(`order.main.${symbol}`).map((data) => {
        const { status, reason, price } = Schema.decodeUnknownSync(OrderUpdate)(data)
        return [status, reason ?? price] as const
      })
  }
}
