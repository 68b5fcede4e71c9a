export { type AgentTestReport, agentTestReport, CHANCE_LEVEL, type StrengthBin } from "./agent-report.ts"
export { type AgentTestOptions, runAgentTests } from "./agent-tests.ts"
export { type Bin, binsOf } from "./calibration.ts"
export type { Beside, Cell, Check, FailureGroup, Guess, MartingaleLine, Traders } from "./checks.ts"
export {
  EXPECTATIONS,
  type Expectation,
  RESPONSE_MILLIS_MAX,
  STRENGTH_MIN,
  SUBJECTS,
  type Subject,
  TRADERS
} from "./expectations.ts"
export { type HitRate, shareOf } from "./hit-rate.ts"
export { RULE_WORDS, type Rule } from "./rules.ts"
