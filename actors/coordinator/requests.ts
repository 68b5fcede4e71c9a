import {
  agentId,
  agentProtocol,
  type Client,
  ConsensusProtocol,
  type CoordinatorProtocol,
  roundFaults
} from "../../protocols/index.ts"
import { omitUndefined, type Payload, send } from "../../runtime/index.ts"
import { newRequestedId, pastOf } from "./analysis.ts"
import { askAgents } from "./asking.ts"
import { type Coordination, heldBy } from "./experiment.ts"
import { fillRequest, votesUntil } from "./options.ts"
import { nameFaults } from "./outside.ts"
import { refuseRequester } from "./requester.ts"
import type { CoordinatorStep } from "./state.ts"

/** Opens a round that somebody asked for, beside the analyses, and asks those of the house who are invited, of the panel or not. */
export const requestConsensus = (
  step: CoordinatorStep<"RequestConsensus">,
  { request: given, client, sealed }: Payload<typeof CoordinatorProtocol, "RequestConsensus">,
  options: Coordination
) => {
  const { state } = step
  const symbol = step.self.id
  const request = fillRequest(options, symbol, state.weights ?? {}, given, client)
  const [fault] = [...roundFaults(request), ...nameFaults(request, options.types)]
  if (fault !== undefined) {
    return step.refuse({ _tag: "InvalidRound", symbol, field: fault.path.join("."), rule: fault.issue })
  }
  const asked = options.types.filter((type) =>
    request.invited.some((voter) => voter.external !== true && voter.agent_id === agentId(type, symbol))
  )
  if (asked.length > 0 && state.window.time.length === 0) return step.refuse({ _tag: "NoMarketData", symbol })
  const consensus_id = newRequestedId(step)
  const { correlation_id } = request
  step.persist("ConsensusRequested", { consensus_id })
  step.add(send(ConsensusProtocol, consensus_id, "Open", { request }))
  const past = pastOf(state, state.window.time.at(-1) ?? 0)
  const outcomes = state.outcomes?.counts
  const opinion = omitUndefined({ consensus_id, correlation_id, symbol, bars: state.window, past, outcomes })
  step.add(...askAgents(asked, opinion, (agent) => votesUntil(request, agent, step.time)))
  step.reply(omitUndefined({ consensus_id, correlation_id, sealed }))
}

/** Cancels an analysis: one that waits is forgotten, the round of one under way is closed, and the panel told to stop. */
export const cancelAnalysis = (
  step: CoordinatorStep<"CancelAnalysis">,
  { correlation_id, reason, by }: Payload<typeof CoordinatorProtocol, "CancelAnalysis">,
  options: Coordination
) => {
  const symbol = step.self.id
  const isMeant = (each: { readonly correlation_id: string; readonly client?: Client }) =>
    each.correlation_id === correlation_id && (by === undefined || each.client?.subject === by)
  const { running, waiting } = step.state
  const found = waiting.find(isMeant)
  if (found !== undefined) {
    step.persist("AnalysisDropped", { ids: [found.id] })
    refuseRequester(step, found, { _tag: "AnalysisCancelled", symbol })
    return step.reply({ cancelled: "waiting" })
  }
  if (running === null || !isMeant(running)) return step.refuse({ _tag: "UnknownAnalysis", symbol, correlation_id })
  const { consensus_id } = running
  // Its end is told by the round, as always.
  step.add(send(ConsensusProtocol, consensus_id, "Cancel", { reason }))
  for (const type of heldBy(options, running.experiment).options.panel) {
    step.add(send(agentProtocol(type), symbol, "Cancel", { consensus_id }))
  }
  step.reply({ cancelled: "running" })
}
