// The words of the agent tests: single checks, and what they add up to.
import type { Regime } from "../sim/index.ts"
import type { ExaminedAnswer } from "./examiner.ts"
import type { Subject } from "./expectations.ts"
import type { HitRate } from "./hit-rate.ts"
import type { Rule } from "./rules.ts"

/** What somebody answered in a scenario, and whether it will do. */
export interface Check extends ExaminedAnswer {
  readonly seed: number
  readonly symbol: string
  readonly regime: Regime
  readonly accepted: ReadonlyArray<ExaminedAnswer["decision"]>
  /** What simple rules say of the same bars. */
  readonly beside: { readonly [R in Rule]: ExaminedAnswer["decision"] }
  /** What is wrong with it; nothing where it passes. */
  readonly fault: "decision" | "strength" | "time" | "silent" | undefined
}

/** What somebody said of where a martingale goes, and whether it went there. */
export interface Guess {
  readonly subject: Subject
  readonly hit: boolean
}

export interface Cell {
  readonly passed: number
  readonly count: number
  readonly rate: number
}

/** The part of some answers that others would have had right: who decides by chance, and simple rules. */
export type Beside = { readonly [R in Rule | "coin"]: number }

/** The answers of those for whom HOLD is not right in every kind of market. */
export interface Traders extends Cell {
  readonly subjects: ReadonlyArray<Subject>
  /** Wilson's for 95%, of scenarios. */
  readonly interval: { readonly low: number; readonly high: number }
  readonly beside: Beside
}

/** The same fault many times. */
export interface FailureGroup {
  readonly regime: Regime
  readonly subject: Subject
  readonly fault: NonNullable<Check["fault"]>
  readonly decision: Check["decision"]
  /** Which kind of market the agents took it for. */
  readonly named: string | null
  readonly count: number
  /** One of them, to look at: `conclave test-agents --seed` gives it again. */
  readonly example: { readonly seed: number; readonly symbol: string }
}

export interface MartingaleLine {
  readonly subject: Subject
  readonly direction: HitRate
  /** How likely a coin is as far from half. */
  readonly p: number
  readonly chance: boolean
}
