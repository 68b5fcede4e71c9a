// The use that the rules make of news and sentiment: a bounded lean, by their scores alone. Texts are for people and for models.
import type { AgentType, BarWindow, ContextItems } from "../../protocols/index.ts"
import type { Scores } from "./scores.ts"

/**
 * The most that scores move the logarithm of a decision's weight: where all that is known is as bad as can be, and there is much of it,
 * the odds of SELL against BUY grow by e, 2.7 times.
 */
const LEAN_MAX = 0.5

/** What became of the items that came with a request. */
export interface Heard {
  readonly items: number
  /** How many of them counted. */
  readonly used: number
  /** From -1 to 1: their mean score, nearer to 0 the fewer there are. */
  readonly lean: number
  /** Why none counted. */
  readonly reason?: string
}

/** Who goes by them: the analyst both ways; who minds the risk by bad ones alone, which make it slower to buy. */
const USED: { readonly [T in AgentType]?: (lean: number) => Scores } = {
  market_analyst: (lean) => ({ BUY: LEAN_MAX * lean, SELL: -LEAN_MAX * lean, HOLD: 0 }),
  risk_advisor: (lean) => ({ BUY: LEAN_MAX * Math.min(0, lean), SELL: 0, HOLD: 0 })
}

/** What an agent type makes of the items that came with the bars; nothing where there were none. */
export const hear = (type: AgentType, items: ContextItems, { time }: BarWindow): Heard | undefined => {
  if (items.length === 0) return undefined
  const notUsed = (reason: string): Heard => ({ items: items.length, used: 0, lean: 0, reason })
  if (USED[type] === undefined) return notUsed("this agent goes by prices alone")
  const scores = items.flatMap(({ score }) => score ?? [])
  if (scores.length === 0) return notUsed("none has a score, and rules read no texts")
  const known = items.flatMap(({ score, time: at }) => (score !== undefined && at >= (time[0] ?? 0) ? [score] : []))
  if (known.length === 0) return notUsed("those with a score are older than the bars")
  const mean = known.reduce((sum, score) => sum + score, 0) / known.length
  return { items: items.length, used: known.length, lean: mean * (known.length / (known.length + 1)) }
}

/** Scores of decisions, moved by what was heard. */
export const leant = (type: AgentType, scores: Scores, heard: Heard | undefined): Scores => {
  const shift = heard === undefined || heard.used === 0 ? undefined : USED[type]?.(heard.lean)
  if (shift === undefined) return scores
  return { BUY: scores.BUY + shift.BUY, SELL: scores.SELL + shift.SELL, HOLD: scores.HOLD + shift.HOLD }
}

/** What was made of them, as a sentence. */
export const heardText = (type: AgentType, { items, used, lean, reason }: Heard): string => {
  const given = `${items} item${items === 1 ? "" : "s"} of news and sentiment`
  if (reason !== undefined) return `Not used: ${given}, since ${reason}.`
  const moved = USED[type]?.(lean).BUY ?? 0
  const effect = moved < 0 ? "make BUY less likely" : moved > 0 ? "make BUY more likely" : "move nothing"
  return `${used} of ${given} count by their scores, and ${effect} (${lean.toFixed(2)}, where 1 is all there can be).`
}
