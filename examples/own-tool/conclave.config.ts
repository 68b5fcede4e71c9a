// A tool of one's own, which an agent of one's own uses by rules, and the analyst if a language model speaks for it.
import { Schema } from "effect"
import { defineAgent, defineConfig, defineTool, reading, wholeNumber } from "../../extension/index.ts"

/** How the last close stands to those of a window: 0 at the lowest, 1 at the highest. */
const placeInRange = defineTool({
  name: "place_in_range",
  about: "Where the last close stands between the lowest and the highest close of a window.",
  parameters: Schema.Struct({ period: wholeNumber(20, 2, 120, "how many closes", "bars") }),
  result: Schema.Struct({ place: reading("the place, from 0 at the lowest to 1 at the highest", "fraction") }),
  needed: ({ period }) => period,
  compute: ({ bars }, { period }) => {
    const closes = bars.close.slice(-period)
    const [low, high, last = 0] = [Math.min(...closes), Math.max(...closes), closes.at(-1)]
    return { place: high === low ? 0.5 : (last - low) / (high - low) }
  }
})

const contrarian = defineAgent({
  type: "contrarian",
  tools: [placeInRange],
  policy: ({ use }) => {
    const place = use(placeInRange, { period: 40 })?.place ?? 0.5
    const decision = place > 0.9 ? "SELL" : place < 0.1 ? "BUY" : "HOLD"
    return { decision, confidence: 0.45, reasoning: `The price is at ${(100 * place).toFixed(0)}% of its range.` }
  }
})

export default defineConfig({
  agents: [contrarian],
  tools: { market_analyst: [placeInRange] },
  panels: { ACME: ["market_analyst", "risk_advisor", "contrarian"] }
})
