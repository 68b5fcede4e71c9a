import { type AgentType, agentId, agentProtocol, type OpinionRequest } from "../../protocols/index.ts"
import { addressOf, type Send, send } from "../../runtime/index.ts"

/**
 * Asks agents for their opinions, each until its own deadline. Agents of all types understand the same request, so it is checked and
 * encoded once for all who have the same time: most of what an analysis costs here is its bars.
 */
export const askAgents = (
  types: ReadonlyArray<AgentType>,
  request: Omit<OpinionRequest, "deadline">,
  deadlineOf: (agentId: string) => number
): ReadonlyArray<Send> => {
  const { symbol } = request
  const encoded = new Map<number, Send>()
  return types.map((type) => {
    const deadline = deadlineOf(agentId(type, symbol))
    const known = encoded.get(deadline) ?? send(agentProtocol(type), symbol, "Analyze", { ...request, deadline })
    encoded.set(deadline, known)
    return { ...known, to: addressOf(agentProtocol(type), symbol) }
  })
}
