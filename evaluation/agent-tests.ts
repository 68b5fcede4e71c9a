// The agent tests: every kind of market, every symbol, everybody, from many seeds.
import { Clock, Effect } from "effect"
import { type AgentDefinition, type Policy, quantPolicy } from "../actors/index.ts"
import { REGIMES, type Regime } from "../sim/index.ts"
import { type AgentTestReport, agentTestReport } from "./agent-report.ts"
import type { Check, Guess } from "./checks.ts"
import { type Examine, type ExaminedAnswer, makeExaminer } from "./examiner.ts"
import {
  acceptedOf,
  type OwnExpectations,
  RESPONSE_MILLIS_MAX,
  STRENGTH_MIN,
  SUBJECTS,
  type Subject
} from "./expectations.ts"
import { ruleDecisions } from "./rules.ts"
import { casesOf, type MartingaleScenario, type RegimeScenario, TRADED } from "./scenarios.ts"

export interface AgentTestOptions {
  /** How the agents come to their opinions; it must not wait for the world. The quant rules unless given. */
  readonly policy?: Policy
  /** All of them unless given. */
  readonly regimes?: ReadonlyArray<Regime>
  readonly subjects?: ReadonlyArray<Subject>
  /** Agents beside those that come with the system; none unless given. */
  readonly agents?: ReadonlyArray<AgentDefinition>
  /** What is right for them. */
  readonly expectations?: OwnExpectations
  /** How many seeds, each the one before and 1; 20 unless given. */
  readonly runs?: number
  /** The first seed; 1 unless given. */
  readonly seed?: number
  /** Told how many scenarios of how many have been asked. */
  readonly progress?: (done: number, total: number) => void
  /** Told what they came to so far, once, where they are interrupted; not before the first answer that can be right. */
  readonly interrupted?: (report: AgentTestReport) => void
}

/**
 * Tests the agents. The decisions follow from the options alone; the times are real.
 *
 * Dies of what an actor throws, and with a policy that waits.
 */
export const runAgentTests = (options: AgentTestOptions = {}): Effect.Effect<AgentTestReport> =>
  Effect.gen(function* () {
    const {
      policy = quantPolicy,
      regimes = REGIMES,
      agents = [],
      expectations,
      runs = 20,
      seed = 1,
      progress = () => {},
      interrupted = () => {}
    } = options
    const { subjects = [...SUBJECTS, ...agents.map(({ type }) => type)] } = options
    const examine = makeExaminer(policy, yield* Clock.Clock, agents)
    const seeds = Array.from({ length: runs }, (_, index) => seed + index)
    const checks: Array<Check> = []
    const guesses: Array<Guess> = []
    let asked = 0
    const asking = Effect.gen(function* () {
      for (const each of seeds) {
        const cases = casesOf(each, regimes)
        for (const scenario of cases) {
          if ("regime" in scenario) checks.push(...checksOf(examine, scenario, subjects, expectations))
          else guesses.push(...guessesOf(examine, scenario, subjects))
          progress(++asked, runs * cases.length)
          // Between scenarios others may have their turn.
          yield* Effect.yieldNow
        }
      }
    })
    const soFar = Effect.sync(() => {
      const [begun, met] = [new Set(checks.map(({ seed }) => seed)), new Set(checks.map(({ regime }) => regime))]
      if (begun.size === 0) return
      const only = { seeds: seeds.filter((each) => begun.has(each)), regimes: regimes.filter((each) => met.has(each)) }
      interrupted(agentTestReport({ ...only, subjects, checks: inOrder(checks), guesses }))
    })
    yield* Effect.onInterrupt(asking, () => soFar)
    return agentTestReport({ seeds, regimes, subjects, checks: inOrder(checks), guesses })
  })

/** By seed, symbol and regime: that they were asked in another order is nobody's business. */
const inOrder = (checks: ReadonlyArray<Check>): ReadonlyArray<Check> => {
  const place = ({ symbol, regime }: Check) =>
    TRADED.findIndex((traded) => traded.symbol === symbol) * REGIMES.length + REGIMES.indexOf(regime)
  return checks.toSorted((a, b) => a.seed - b.seed || place(a) - place(b))
}

const checksOf = (
  examine: Examine,
  scenario: RegimeScenario,
  subjects: ReadonlyArray<Subject>,
  expectations?: OwnExpectations
): ReadonlyArray<Check> => {
  const { regime, distance, seed, symbol, bars } = scenario
  const beside = ruleDecisions(bars, regime)
  const answers = examine(scenario)
  return subjects.map((subject) => {
    const accepted = acceptedOf(regime, subject, distance, expectations)
    const answer = answers.find((each) => each.subject === subject)
    const about = { seed, symbol, regime, accepted, beside }
    if (answer !== undefined) return { ...answer, ...about, fault: faultOf(answer, accepted) }
    return {
      ...about,
      subject,
      decision: "HOLD",
      confidence: 0,
      strength: 0,
      named: undefined,
      millis: 0,
      fault: "silent"
    }
  })
}

const faultOf = (
  { decision, strength, millis }: ExaminedAnswer,
  accepted: ReadonlyArray<ExaminedAnswer["decision"]>
) => {
  if (!accepted.includes(decision)) return "decision"
  if (strength < STRENGTH_MIN) return "strength"
  return millis > RESPONSE_MILLIS_MAX ? "time" : undefined
}

const guessesOf = (
  examine: Examine,
  scenario: MartingaleScenario,
  subjects: ReadonlyArray<Subject>
): ReadonlyArray<Guess> => {
  const move = scenario.next - scenario.bars.close.at(-1)!
  return examine(scenario).flatMap(({ subject, decision }) =>
    decision === "HOLD" || move === 0 || !subjects.includes(subject)
      ? []
      : [{ subject, hit: move > 0 === (decision === "BUY") }]
  )
}
