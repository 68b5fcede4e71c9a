import { AgentType, agentId, type RoundRequest } from "../../protocols/index.ts"

/** Who proves to be it by a secret, or is a person, must not have the name of an agent inside: its words would pass for theirs. */
export const nameFaults = (symbol: string, { invited, humans = [] }: RoundRequest) => {
  const inside = AgentType.literals.map((type) => agentId(type, symbol))
  const fault = (field: string, index: number) => ({
    path: [field, index, "agent_id"],
    issue: "this is the name of an agent inside"
  })
  return [
    ...invited.flatMap(({ agent_id, external, token_hash }, index) =>
      (external === true || token_hash !== undefined) && inside.includes(agent_id) ? [fault("invited", index)] : []
    ),
    ...humans.flatMap(({ agent_id }, index) => (inside.includes(agent_id) ? [fault("humans", index)] : []))
  ]
}
