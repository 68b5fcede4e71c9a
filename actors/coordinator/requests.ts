import {
  AgentType,
  agentId,
  agentProtocol,
  type Client,
  ConsensusProtocol,
  type CoordinatorProtocol,
  roundFaults
} from "../../protocols/index.ts"
import { type Context, type Payload, persist, refuse, reply, send } from "../../runtime/index.ts"
import { newRequestedId, outcomesOf, pastOf } from "./analysis.ts"
import { askAgents } from "./asking.ts"
import { type Coordination, heldBy } from "./experiment.ts"
import { type CoordinatorOptions, fillRequest, votesUntil } from "./options.ts"
import { nameFaults } from "./outside.ts"
import { refuseRequester } from "./requester.ts"
import { evolve, type State } from "./state.ts"

/** Opens a round that somebody asked for, beside the analyses, and asks those of the house who are invited, of the panel or not. */
export const requestConsensus = (
  state: State,
  { request: given, client, sealed }: Payload<typeof CoordinatorProtocol, "RequestConsensus">,
  options: CoordinatorOptions,
  context: Context
) => {
  const symbol = context.self.id
  const request = fillRequest(options, symbol, state.weights ?? {}, given, client)
  const [fault] = [...roundFaults(request), ...nameFaults(request)]
  if (fault !== undefined) {
    return [refuse({ _tag: "InvalidRound", symbol, field: fault.path.join("."), rule: fault.issue } as const)]
  }
  const asked = AgentType.literals.filter((type) =>
    request.invited.some((voter) => voter.external !== true && voter.agent_id === agentId(type, symbol))
  )
  if (asked.length > 0 && state.window.time.length === 0) return [refuse({ _tag: "NoMarketData", symbol } as const)]
  const consensus_id = newRequestedId(context)
  const { correlation_id } = request
  return [
    persist({ _tag: "ConsensusRequested", consensus_id } as const),
    send(ConsensusProtocol, consensus_id, "Open", { request }),
    ...askAgents(
      asked,
      {
        ...{ consensus_id, correlation_id, symbol, bars: state.window },
        ...pastOf(state, state.window.time.at(-1) ?? 0),
        ...outcomesOf(state)
      },
      (agent) => votesUntil(request, agent, context.time)
    ),
    reply({ consensus_id, correlation_id, ...(sealed === undefined ? {} : { sealed }) })
  ]
}

/** Cancels an analysis: one that waits is forgotten, the round of one under way is closed, and the panel told to stop. */
export const cancelAnalysis = (
  state: State,
  { correlation_id, reason, by }: Payload<typeof CoordinatorProtocol, "CancelAnalysis">,
  options: Coordination,
  context: Context
) => {
  const symbol = context.self.id
  const isMeant = (each: { readonly correlation_id: string; readonly client?: Client }) =>
    each.correlation_id === correlation_id && (by === undefined || each.client?.subject === by)
  const waiting = state.waiting.find(isMeant)
  if (waiting !== undefined) {
    const cancelled = { _tag: "AnalysisCancelled", symbol } as const
    return [
      persist({ _tag: "AnalysisDropped", ids: [waiting.id] } as const),
      ...refuseRequester(waiting, cancelled),
      reply({ cancelled: "waiting" } as const)
    ]
  }
  const { running } = state
  if (running === null || !isMeant(running)) {
    return [refuse({ _tag: "UnknownAnalysis", symbol, correlation_id } as const)]
  }
  const { consensus_id } = running
  return [
    // Its end is told by the round, as always.
    send(ConsensusProtocol, consensus_id, "Cancel", { reason }),
    ...heldBy(options, running.experiment).options.panel.map((type) =>
      send(agentProtocol(type), symbol, "Cancel", { consensus_id })
    ),
    reply({ cancelled: "running" } as const)
  ]
}

export const setWeights = (state: State, weights: { readonly [agentId: string]: number }) => {
  const next = evolve.WeightsSet(state, { weights })
  return JSON.stringify(next.weights) === JSON.stringify(state.weights)
    ? []
    : [persist({ _tag: "WeightsSet", weights } as const)]
}
