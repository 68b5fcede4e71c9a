import {
  HUMAN,
  isGivenAgentId,
  looksLikeOurs,
  looksLikePerson,
  type RoundRequest,
  type Voter
} from "../../protocols/index.ts"

/**
 * Names are of one alphabet. Who proves to be it by a secret, or is a person, must not have a name that would pass for an agent inside,
 * of whatever symbol, for a round, or for the person who is asked where nobody is named: its words would pass for theirs.
 */
export const nameFaults = ({ invited, humans = [] }: Pick<RoundRequest, "invited" | "humans">) => [
  ...invited.flatMap((voter, index) => faultOf(voter, ["invited", index])),
  ...humans.flatMap((voter, index) => faultOf({ ...voter, external: true }, ["humans", index]))
]

const faultOf = ({ agent_id, agent_type, external, token_hash }: Voter, place: ReadonlyArray<string | number>) => {
  const fault = (issue: string) => [{ path: [...place, "agent_id"], issue }]
  if (!isGivenAgentId(agent_id)) return fault("this name is not of the alphabet of names: A-Z a-z 0-9 _ . : / = ^ @ -")
  if (external !== true && token_hash === undefined) return []
  if (looksLikeOurs(agent_id)) return fault("this is the name of an agent inside")
  if (agent_type !== HUMAN && looksLikePerson(agent_id)) return fault("this is the name of a person")
  return []
}
