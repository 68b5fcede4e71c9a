import { Effect, Metric } from "effect"
import type { BreakerState, ModelErrorKind, ModelName } from "../../protocols/index.ts"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

const calls = counter("conclave_model_calls_total", "Requests sent to language models, by how they ended")
const tokens = counter("conclave_model_tokens_total", "Tokens that models counted, in and out")
const dollars = counter("conclave_model_cost_dollars_total", "What answered calls cost, of models with a known price")
const givenUp = counter("conclave_model_given_up_total", "Questions that a model did not answer in the end, by reason")
const breaker = Metric.gauge("conclave_model_breaker_state", {
  description: "The model's circuit breaker, for whom it is served: 0 closed, 1 half open, 2 open"
})
const seconds = Metric.histogram("conclave_model_seconds", {
  description: "How long requests to language models took",
  boundaries: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60]
})

const BREAKER_LEVELS: { readonly [S in BreakerState]: number } = { closed: 0, half_open: 1, open: 2 }

/** Counts one request: how it ended (`success` or the kind of failure), how long it took, and what it came to. */
export const countCall = (
  model: ModelName,
  ended: "success" | ModelErrorKind,
  elapsedMillis: number,
  used: { readonly input: number; readonly output: number; readonly cost: number | null }
) =>
  Effect.all(
    [
      Metric.update(Metric.withAttributes(calls, { model, ended }), 1),
      Metric.update(Metric.withAttributes(seconds, { model }), elapsedMillis / 1_000),
      Metric.update(Metric.withAttributes(tokens, { model, direction: "in" }), used.input),
      Metric.update(Metric.withAttributes(tokens, { model, direction: "out" }), used.output),
      Metric.update(Metric.withAttributes(dollars, { model }), used.cost ?? 0)
    ],
    { discard: true }
  )

export const countGivenUp = (model: ModelName, reason: ModelErrorKind) =>
  Metric.update(Metric.withAttributes(givenUp, { model, reason }), 1)

export const showBreaker = (model: ModelName, served: "market" | "requested", state: BreakerState) =>
  Metric.update(Metric.withAttributes(breaker, { model, served }), BREAKER_LEVELS[state])
