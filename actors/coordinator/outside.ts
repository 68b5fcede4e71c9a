import {
  type AgentType,
  agentId,
  HUMAN,
  isGivenAgentId,
  looksLikeOurs,
  looksLikePerson,
  type MarketSymbol,
  type RoundRequest,
  type Voter
} from "../../protocols/index.ts"

/**
 * Names are of one alphabet. Who proves to be it by a secret, or is a person, must not have a name that would pass for an agent inside,
 * of whatever symbol, for a round, or for the person who is asked where nobody is named: its words would pass for theirs.
 */
export const nameFaults = (
  { invited, humans = [], symbol }: Pick<RoundRequest, "invited" | "humans" | "symbol">,
  types: ReadonlyArray<AgentType>
) => [
  ...invited.flatMap((voter, index) => faultOf(voter, ["invited", index], types)),
  ...invited.flatMap((voter, index) => typeFault(voter, symbol, ["invited", index], types)),
  ...humans.flatMap((voter, index) => faultOf({ ...voter, external: true }, ["humans", index], types))
]

/** An agent inside that nobody has would be waited for in vain. */
const typeFault = (
  { agent_id, agent_type, external }: Voter,
  symbol: MarketSymbol,
  place: ReadonlyArray<string | number>,
  types: ReadonlyArray<AgentType>
) =>
  external === true || agent_id !== agentId(agent_type, symbol) || types.includes(agent_type)
    ? []
    : [{ path: [...place, "agent_type"], issue: `there is no agent type ${agent_type}; there are ${types.join(", ")}` }]

const faultOf = (
  { agent_id, agent_type, external, token_hash }: Voter,
  place: ReadonlyArray<string | number>,
  types: ReadonlyArray<AgentType>
) => {
  const fault = (issue: string) => [{ path: [...place, "agent_id"], issue }]
  if (!isGivenAgentId(agent_id)) return fault("this name is not of the alphabet of names: A-Z a-z 0-9 _ . : / = ^ @ -")
  if (external !== true && token_hash === undefined) return []
  if (looksLikeOurs(agent_id, types)) return fault("this is the name of an agent inside")
  if (agent_type !== HUMAN && looksLikePerson(agent_id)) return fault("this is the name of a person")
  return []
}
