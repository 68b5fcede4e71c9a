import { Schema } from "effect"
import type { ModelName, ModelUsage } from "../../protocols/index.ts"
import { providerOf, type Question } from "./language-model.ts"

const Dollars = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * What models cost: dollars per million tokens in and out, by a model's whole name or by `PROVIDER:*` for all others of a provider.
 *
 * @example { "anthropic:some-model": { "input": 3, "output": 15 }, "ollama:*": { "input": 0, "output": 0 } }
 */
export const Prices = Schema.Record(Schema.String, Schema.Struct({ input: Dollars, output: Dollars }))
export type Prices = typeof Prices.Type

/** What tokens of a model cost, in dollars; null where its price is not known. */
export const costOf = (prices: Prices, model: ModelName, inputTokens: number, outputTokens: number): number | null => {
  const price = prices[model] ?? prices[`${providerOf(model)}:*`]
  return price === undefined ? null : (inputTokens * price.input + outputTokens * price.output) / 1e6
}

/** About four characters are a token in English and JSON, whatever the model: enough to say what a lost call may have cost. */
const CHARACTERS_PER_TOKEN = 4

export const estimateTokens = ({ instructions, messages, tools, form }: Question): number =>
  Math.ceil((instructions.length + JSON.stringify([messages, tools, form]).length) / CHARACTERS_PER_TOKEN)

export const noUsage: ModelUsage = {
  calls: 0,
  lost_calls: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
  estimated_lost_cost_usd: 0
}

export const addUsage = (a: ModelUsage, b: ModelUsage): ModelUsage => ({
  ...a,
  calls: a.calls + b.calls,
  lost_calls: a.lost_calls + b.lost_calls,
  input_tokens: a.input_tokens + b.input_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
  cost_usd: addDollars(a.cost_usd, b.cost_usd),
  estimated_lost_cost_usd: addDollars(a.estimated_lost_cost_usd, b.estimated_lost_cost_usd)
})

/** What is not known makes a sum that is not known. */
const addDollars = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b)
