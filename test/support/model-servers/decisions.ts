import type { Decision } from "../../../protocols/index.ts"

/** A decision as a model says it. */
export const decisionText = (decision: Decision, confidence = 0.7): string => {
  const rest = (1 - confidence) / 2
  const probabilities = { BUY: rest, SELL: rest, HOLD: rest, [decision]: confidence }
  return JSON.stringify({ decision, confidence, probabilities, reasoning: `Because of ${decision}.` })
}
