// What the agent tests came to. Pure.
import { percentile, wilson } from "../actors/index.ts"
import { coinTest, type Regime, spreadOf } from "../sim/index.ts"
import { type Bin, binsOf } from "./calibration.ts"
import type { Beside, Cell, Check, FailureGroup, Guess, MartingaleLine, Traders } from "./checks.ts"
import { EXPECTATIONS, RESPONSE_MILLIS_MAX, STRENGTH_MIN, type Subject, TRADERS } from "./expectations.ts"
import { shareOf } from "./hit-rate.ts"
import { recommendationsOf } from "./recommendations.ts"
import { RULE_WORDS, type Rule } from "./rules.ts"

/** Below this a coin is no explanation any more; shared by all who are tested (Bonferroni). */
export const CHANCE_LEVEL = 0.01

/** Answers of one tenth of the strengths: how strong they were in the mean, and how often their decision was acceptable. */
export interface StrengthBin extends Omit<Bin, "mean_confidence"> {
  readonly mean_strength: number
}

export interface AgentTestReport {
  readonly executive_summary: {
    readonly overall_success_rate: number
    /** Wilson's for 95%, of scenarios: the answers to one scenario look at the same bars and count as one. */
    readonly interval: { readonly low: number; readonly high: number }
    readonly checks: number
    readonly scenarios: number
    readonly seeds: ReturnType<typeof spreadOf> & { readonly first: number; readonly count: number }
    /** What others would have of the same answers. */
    readonly beside: Beside
    /** Without those for whom HOLD is right everywhere; nothing where only those were asked. */
    readonly traders: Traders | null
    readonly martingale_is_chance: boolean
    readonly verdict: string
  }
  readonly accuracy_by_regime: { readonly [regime: string]: Cell & Beside }
  /** The same without those for whom HOLD is right everywhere. */
  readonly traders_by_regime: { readonly [regime: string]: Cell & Beside }
  readonly accuracy_by_agent: { readonly [subject: string]: Cell }
  readonly accuracy: { readonly [regime: string]: { readonly [subject: string]: Cell } }
  readonly accuracy_by_symbol: { readonly [symbol: string]: Cell }
  readonly martingale: ReadonlyArray<MartingaleLine>
  readonly accuracy_by_strength: ReadonlyArray<StrengthBin>
  readonly common_failures: ReadonlyArray<FailureGroup>
  readonly recommendations: ReadonlyArray<string>
  /** In milliseconds of real time; the only numbers here that another run does not repeat. */
  readonly response_times: {
    readonly [subject: string]: { readonly p50: number; readonly p95: number; readonly max: number }
  }
  readonly rules: {
    readonly strength_min: number
    readonly response_ms_max: number
    /** The simple rules beside the agents, in words. */
    readonly beside: { readonly [R in Rule]: string }
    readonly expectations: ReadonlyArray<{
      readonly regime: Regime
      readonly bars: number
      readonly traders: string
      readonly careful: string
      readonly why: string
    }>
  }
}

export interface Examined {
  readonly seeds: ReadonlyArray<number>
  readonly regimes: ReadonlyArray<Regime>
  readonly subjects: ReadonlyArray<Subject>
  readonly checks: ReadonlyArray<Check>
  readonly guesses: ReadonlyArray<Guess>
}

export const agentTestReport = (examined: Examined): AgentTestReport => {
  const { seeds, regimes, subjects, checks, guesses } = examined
  const scenarios = Math.max(1, checks.length / Math.max(1, subjects.length))
  const overall = cellOf(checks)
  const bySeed = seeds.map((seed) => cellOf(checks.filter((check) => check.seed === seed)).rate)
  const martingale = subjects.map((subject) => martingaleLine(subject, guesses, subjects.length))
  const failures = groupsOf(checks)
  const isChance = martingale.every(({ chance }) => chance)
  const byRegime = besideTable(regimes, checks)
  const trading = checks.filter(({ subject }) => TRADERS.includes(subject))
  const traders = tradersOf(subjects, trading, scenarios)
  return {
    executive_summary: {
      overall_success_rate: overall.rate,
      interval: wilson(overall.rate * scenarios, scenarios),
      checks: checks.length,
      scenarios,
      seeds: { first: seeds[0] ?? 0, count: seeds.length, ...spreadOf(bySeed) },
      beside: besideOf(checks),
      traders,
      martingale_is_chance: isChance,
      verdict: verdictOf(traders?.rate ?? overall.rate, isChance)
    },
    accuracy_by_regime: byRegime,
    traders_by_regime: traders === null ? {} : besideTable(regimes, trading),
    accuracy_by_agent: tableOf(subjects, checks, "subject"),
    accuracy: Object.fromEntries(
      regimes.map((regime) => [
        regime,
        tableOf(
          subjects,
          checks.filter((each) => each.regime === regime),
          "subject"
        )
      ])
    ),
    accuracy_by_symbol: tableOf([...new Set(checks.map(({ symbol }) => symbol))], checks, "symbol"),
    martingale,
    accuracy_by_strength: byStrength(checks),
    common_failures: failures,
    recommendations: recommendationsOf(failures, martingale, byRegime),
    response_times: Object.fromEntries(subjects.map((subject) => [subject, timesOf(subject, checks)])),
    rules: {
      strength_min: STRENGTH_MIN,
      response_ms_max: RESPONSE_MILLIS_MAX,
      beside: RULE_WORDS,
      expectations: regimes.map((regime) => {
        const { bars, words, why } = EXPECTATIONS[regime]
        return { regime, bars, traders: words[0], careful: words[1], why }
      })
    }
  }
}

const cellOf = (checks: ReadonlyArray<Check>): Cell => {
  const passed = checks.filter(({ fault }) => fault === undefined).length
  return { passed, count: checks.length, rate: checks.length === 0 ? 0 : passed / checks.length }
}

const tableOf = (names: ReadonlyArray<string>, checks: ReadonlyArray<Check>, key: "regime" | "subject" | "symbol") =>
  Object.fromEntries(names.map((name) => [name, cellOf(checks.filter((check) => check[key] === name))]))

const besideOf = (checks: ReadonlyArray<Check>): Beside => {
  const mean = (value: (check: Check) => number) =>
    checks.reduce((sum, check) => sum + value(check), 0) / Math.max(1, checks.length)
  const right = (rule: Rule) => mean(({ accepted, beside }) => (accepted.includes(beside[rule]) ? 1 : 0))
  return {
    coin: mean(({ accepted }) => accepted.length / 3),
    always_hold: right("always_hold"),
    momentum: right("momentum"),
    clear_momentum: right("clear_momentum"),
    two_moves: right("two_moves"),
    mean_reversion: right("mean_reversion"),
    regime_known: right("regime_known")
  }
}

const besideTable = (regimes: ReadonlyArray<Regime>, checks: ReadonlyArray<Check>) =>
  Object.fromEntries(
    regimes.map((regime) => {
      const here = checks.filter((check) => check.regime === regime)
      return [regime, { ...cellOf(here), ...besideOf(here) }]
    })
  )

const tradersOf = (
  subjects: ReadonlyArray<Subject>,
  checks: ReadonlyArray<Check>,
  scenarios: number
): Traders | null => {
  const asked = subjects.filter((subject) => TRADERS.includes(subject))
  if (asked.length === 0) return null
  const cell = cellOf(checks)
  return { subjects: asked, ...cell, interval: wilson(cell.rate * scenarios, scenarios), beside: besideOf(checks) }
}

const martingaleLine = (subject: Subject, guesses: ReadonlyArray<Guess>, tested: number): MartingaleLine => {
  const mine = guesses.filter((guess) => guess.subject === subject)
  const direction = shareOf(mine.filter(({ hit }) => hit).length, mine.length)
  const p = coinTest(direction.hits, direction.count)
  return { subject, direction, p, chance: p >= CHANCE_LEVEL / tested }
}

/** The same tenths as those of confidences. A strength is no forecast, so it has no distance to what was right. */
const byStrength = (checks: ReadonlyArray<Check>): ReadonlyArray<StrengthBin> =>
  binsOf(
    checks
      .filter(({ fault }) => fault !== "silent")
      .map(({ strength, decision, accepted }) => ({ confidence: strength, right: accepted.includes(decision) }))
  ).map(({ mean_confidence, ...bin }) => ({ ...bin, mean_strength: mean_confidence }))

const groupsOf = (checks: ReadonlyArray<Check>): ReadonlyArray<FailureGroup> => {
  const groups = new Map<string, FailureGroup>()
  for (const { regime, subject, fault, decision, named = null, seed, symbol } of checks) {
    if (fault === undefined) continue
    const key = [regime, subject, fault, decision, named].join()
    const count = (groups.get(key)?.count ?? 0) + 1
    const example = groups.get(key)?.example ?? { seed, symbol }
    groups.set(key, { regime, subject, fault, decision, named, count, example })
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count)
}

const timesOf = (subject: Subject, checks: ReadonlyArray<Check>) => {
  const times = checks
    .filter((each) => each.subject === subject)
    .map(({ millis }) => millis)
    .toSorted((a, b) => a - b)
  if (times.length === 0) return { p50: 0, p95: 0, max: 0 }
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95), max: times.at(-1)! }
}

const AIM = 0.9

const verdictOf = (rate: number, isChance: boolean): string => {
  const success =
    rate >= AIM ? "The agents do what is right where there is an answer" : "The agents fall short of nine in ten"
  return `${success}${isChance ? ", and nobody foresees a martingale." : ", but somebody seems to foresee a martingale: look for a leak."}`
}
