// An agent of one's own: it votes for what the last weeks did, by two of the tools that come with the system.
import { Schema } from "effect"
import { defineAgent, defineConfig, tools } from "../../extension/index.ts"

const momentum = defineAgent({
  type: "momentum",
  tools: [tools.rsi, tools.volatility],
  output: Schema.Struct({ weeks: Schema.Int, move: Schema.Finite }),
  policy: ({ bars, use }) => {
    const weeks = 4
    const [before = 1, last = before] = [bars.close.at(-5 * weeks), bars.close.at(-1)]
    const move = last / before - 1
    const tired = use(tools.rsi, { period: 14 })?.rsi ?? 50
    // What it is worth in a market that moves so much: one deviation of four weeks.
    const usual = (use(tools.volatility)?.annualized ?? 0.3) * Math.sqrt(weeks / 52)
    const clear = Math.min(1, Math.abs(move) / usual)
    const overdone = move > 0 ? tired > 80 : tired < 20
    const decision = clear < 0.5 || overdone ? "HOLD" : move > 0 ? "BUY" : "SELL"
    return {
      decision,
      confidence: decision === "HOLD" ? 0.4 : 0.4 + clear / 5,
      reasoning: `${(100 * move).toFixed(1)}% in ${weeks} weeks, where ${(100 * usual).toFixed(1)}% is usual; RSI ${tired.toFixed(0)}.`,
      output: { weeks, move }
    }
  }
})

export default defineConfig({
  agents: [momentum],
  panels: { "*": ["market_analyst", "risk_advisor", "momentum"] },
  expectations: { momentum: { high_volatility: ["HOLD", "SELL"] } }
})
