// A ledger as people and programs read it.
import type { AgentPerformance, PerformanceReport } from "../../protocols/index.ts"
import { calibrationCurve, calibrationError } from "./calibration.ts"
import { type HedgeOptions, regretBound, weightShares } from "./hedge.ts"
import { type AgentRecord, brierSumOf, type Ledger } from "./ledger.ts"

type LedgerReport = Omit<PerformanceReport, "symbol" | "horizon_ms" | "threshold" | "waiting">

/** What a ledger says. The bounds on the regret hold where rate and share have been the same all along. */
export const reportOf = (ledger: Ledger, options: HedgeOptions): LedgerReport => {
  const shares = weightShares(ledger.agents.map((agent) => agent.log_weight))
  const agents = ledger.agents.map((agent, index) => agentReport(agent, shares[index]!, shares.length, options))
  const [worst] = agents.filter(({ scored }) => scored > 0).toSorted((a, b) => b.regret - a.regret)
  const { agent_id, regret, regret_bound } = worst ?? {}
  return {
    decisions: ledger.decisions,
    scored: ledger.scored,
    unscored: ledger.unscored,
    outcomes: ledger.outcomes,
    consensus_accuracy: share(ledger.consensus_correct, ledger.scored),
    learning_rate: options.learningRate,
    share: options.share,
    followed_loss: share(ledger.followed_loss_sum, ledger.followed),
    followed_loss_in_use: share(ledger.in_use_loss_sum, ledger.followed),
    best_agent:
      agent_id === undefined || regret === undefined || regret_bound === undefined
        ? null
        : { agent_id, regret, regret_bound },
    agents
  }
}

const agentReport = (agent: AgentRecord, weight: number, agents: number, options: HedgeOptions): AgentPerformance => ({
  agent_id: agent.agent_id,
  agent_type: agent.agent_type,
  votes: agent.votes,
  consensus_share: share(agent.with_consensus, agent.votes),
  mean_confidence: share(agent.confidence_sum, agent.votes),
  scored: agent.scored,
  accuracy: share(agent.correct, agent.scored),
  brier_score: agent.scored === 0 ? null : brierSumOf(agent) / agent.scored,
  calibration: calibrationCurve(agent.bins),
  calibration_error: calibrationError(agent.bins),
  weight: Math.min(1, weight),
  regret: agent.followed_loss_sum - agent.loss_sum,
  regret_bound: regretBound(agents, agent.scored, options)
})

/** A part of a whole, in [0, 1]; null of nothing. Sums of many fractions may be a little too large. */
const share = (part: number, whole: number): number | null => (whole === 0 ? null : Math.min(1, part / whole))
