// The tables of docs/CONSENSUS.md once more, read off line by line, with nothing of the code that they are compared with.
import type { Decision, Vote } from "../../protocols/index.ts"
import type { Case } from "./rounds.ts"

interface Outcome {
  readonly decision: Decision
  readonly strength: number
  readonly achieved: boolean
  readonly resolution?: string
}

/** Nobody, where there is a tie or no winner at all. */
type Won = { readonly decision: Decision; readonly strength: number; readonly bar: boolean } | undefined

const ALL: ReadonlyArray<Decision> = ["HOLD", "SELL", "BUY"]
const EPSILON = 1e-9
const total = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)
/** What a vote says with how much strength: its confidence, where it says no more. */
const s = (vote: Vote) => vote.strengths?.[vote.decision] ?? vote.confidence
const mean = (numbers: ReadonlyArray<number>) => total(numbers) / numbers.length

export const byTheTables = ({ rules, votes }: Case): Outcome => {
  if (votes.length === 0) return { decision: "HOLD", strength: 0, achieved: false }
  const quorum = rules.quorum ?? Math.floor(rules.invited.length / 2) + 1
  const least = rules.min_confidence ?? 0.6
  const won = win({ rules, votes })
  const allSame = votes.every((vote) => vote.decision === votes[0]!.decision)
  const present = (rules.required ?? []).every((id) => votes.map(({ agent_id }) => agent_id).includes(id))
  if (won?.bar === true && present && votes.length >= quorum && (allSame || won.strength > least - EPSILON)) {
    return { decision: won.decision, strength: won.strength, achieved: true }
  }
  return { ...settle(rules.conflict_resolution ?? "conservative_bias", votes), achieved: false }
}

const win = (round: Case): Won => {
  const { rules, votes } = round
  const w = (vote: Vote) => rules.weights?.[vote.agent_id] ?? 1
  const votesFor = (d: Decision) => votes.filter((vote) => vote.decision === d)
  const top = (score: (d: Decision) => number, unit = 1): Decision | undefined => {
    const best = Math.max(...ALL.map(score))
    const first = ALL.filter((d) => votesFor(d).length > 0 && best - score(d) <= EPSILON * unit)
    return first.length === 1 ? first[0] : undefined
  }
  switch (rules.method) {
    case "simple_majority": {
      const d = top((each) => votesFor(each).length)
      return (
        d && {
          decision: d,
          strength: mean(votesFor(d).map(s)),
          bar: votesFor(d).length > votes.length / 2
        }
      )
    }
    case "unanimous": {
      const decision = votes[0]!.decision
      return {
        decision,
        strength: mean(votes.map(s)),
        bar: votes.every((v) => v.decision === decision)
      }
    }
    case "weighted_confidence":
      return weighted(votes, w, top, true)
    case "risk_weighted":
      return weighted(votes, (vote) => (vote.agent_type === "risk_advisor" ? 2 : 1) * w(vote), top, false)
    case "expert_override": {
      const experts = votes.filter((vote) => vote.agent_type === (rules.expert_agent_type ?? "risk_advisor"))
      if (experts.length === 0) return weighted(votes, w, top, true)
      const best = Math.max(...experts.map(s))
      const said = new Set(experts.filter((v) => best - s(v) <= EPSILON).map((v) => v.decision))
      return said.size > 1 ? undefined : { decision: [...said][0]!, strength: best, bar: true }
    }
    case "log_opinion_pool":
      return pool(round, w)
  }
}

const weighted = (
  votes: ReadonlyArray<Vote>,
  w: (vote: Vote) => number,
  top: (score: (d: Decision) => number, unit: number) => Decision | undefined,
  needsMajority: boolean
): Won => {
  const weight = (d?: Decision) => total(votes.filter((v) => d === undefined || v.decision === d).map(w))
  const support = (d: Decision) => total(votes.filter((v) => v.decision === d).map((v) => w(v) * s(v)))
  const d = top(support, weight() / votes.length)
  if (d === undefined) return undefined
  const strength = weight(d) === 0 ? 0 : support(d) / weight(d)
  return { decision: d, strength, bar: needsMajority ? weight(d) - weight() / 2 > EPSILON : weight() > 0 }
}

const pool = ({ rules, votes }: Case, w: (vote: Vote) => number): Won => {
  const a = rules.pool_exponent ?? 1
  const all = total(votes.map(w))
  const p = (vote: Vote, d: Decision) =>
    (vote.strengths ?? vote.probabilities)?.[d] ?? (vote.decision === d ? vote.confidence : (1 - vote.confidence) / 2)
  const product = (d: Decision) =>
    votes.reduce((so, vote) => so * (w(vote) === 0 ? 1 : p(vote, d) ** ((a * w(vote)) / all)), 1)
  const whole = total(ALL.map(product))
  const pooled = (d: Decision) => (whole === 0 ? 1 / 3 : product(d) / whole)
  const best = Math.max(...ALL.map(pooled))
  const first = ALL.filter((d) => best - pooled(d) <= EPSILON)
  return first.length > 1 ? undefined : { decision: first[0]!, strength: best, bar: best > 0.5 + EPSILON }
}

const settle = (resolution: string, votes: ReadonlyArray<Vote>): Omit<Outcome, "achieved"> => {
  const best = (from: ReadonlyArray<Vote>) => {
    const most = Math.max(...from.map(s))
    const d = ALL.find((each) => from.some((v) => v.decision === each && most - s(v) <= EPSILON))!
    return { decision: d, strength: Math.max(...from.filter((v) => v.decision === d).map(s)) }
  }
  switch (resolution) {
    case "highest_confidence":
      return { ...best(votes), resolution }
    case "risk_manager_override": {
      const risk = votes.filter((v) => v.agent_type === "risk_advisor")
      if (risk.length === 0) return { ...best(votes), resolution: "risk_manager_override_fallback" }
      return { ...best(risk), resolution }
    }
    case "weighted_average": {
      const sure = total(votes.map(s))
      const value = (v: Vote) => (v.decision === "BUY" ? 1 : v.decision === "SELL" ? -1 : 0)
      const x = sure === 0 ? 0 : total(votes.map((v) => value(v) * s(v))) / sure
      const decision = x - 0.3 > EPSILON ? "BUY" : x + 0.3 < -EPSILON ? "SELL" : "HOLD"
      return { decision, strength: 0.9 * mean(votes.map(s)), resolution }
    }
    case "escalate_to_human":
      return { decision: "HOLD", strength: 0, resolution }
    default: {
      const d = ALL.find((each) => votes.some((v) => v.decision === each))!
      const highest = Math.max(...votes.filter((v) => v.decision === d).map(s))
      return { decision: d, strength: 0.8 * highest, resolution: "conservative_bias" }
    }
  }
}
