import { Schema } from "effect"
import { consensusActor } from "../../actors/consensus/actor.ts"
import { type RecordedEvent, verifyRound } from "../../actors/consensus/verify.ts"
import {
  ConsensusProtocol,
  ConsensusResult,
  type Decision,
  type RoundRequest,
  RoundStatus
} from "../../protocols/index.ts"
import { Decider } from "./decider.ts"

export const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"

const voter = (agent_type: string) => ({ agent_id: `${agent_type}_ACME`, agent_type })

/** Three agents, one of which is of no type of the house. */
export const REQUEST: RoundRequest = {
  symbol: "ACME",
  correlation_id: "c1",
  invited: [voter("market_analyst"), voter("risk_advisor"), voter("oracle")],
  method: "weighted_confidence",
  timeout_ms: 5_000
}

/** A round of a test's own, and short words for what happens to it. Agents go by their types. */
export const openRound = (more: Partial<RoundRequest> = {}, id = ROUND) => {
  const world = new Decider([consensusActor])
  const open = (request: RoundRequest = { ...REQUEST, ...more }) =>
    world.ask(ConsensusProtocol, id, "Open", { request })
  const opened = open()
  const vote = (type: string, decision: Decision, confidence: number, proof?: string) =>
    world.ask(ConsensusProtocol, id, "CastVote", {
      vote: { ...voter(type), decision, confidence, reasoning: "said so" },
      ...(proof === undefined ? {} : { proof })
    })
  const abstain = (type: string) =>
    world.ask(ConsensusProtocol, id, "Abstain", { abstention: { ...voter(type), reason: "no model" } })
  const result = () => {
    const answer = world.ask(ConsensusProtocol, id, "GetResult", {})
    return Schema.decodeUnknownSync(Schema.NullOr(ConsensusResult))(answer?.body)
  }
  const status = () => Schema.decodeUnknownSync(RoundStatus)(world.ask(ConsensusProtocol, id, "GetStatus", {})?.body)
  const tags = () => world.journal(`consensus/${id}`).map((event) => event._tag)
  const journal = () => world.journal(`consensus/${id}`).map(toRecorded)
  const timers = () => [...world.timers.values()].map(({ name, at }) => [name, at] as const)
  return {
    world,
    opened,
    open,
    vote,
    abstain,
    result,
    status,
    tags,
    journal,
    timers,
    verify: () => verifyRound(id, journal())
  }
}

const Times = Schema.Struct({
  at: Schema.optionalKey(Schema.Int),
  opened_at: Schema.optionalKey(Schema.Int),
  refused: Schema.optionalKey(Schema.Struct({ at: Schema.Int })),
  result: Schema.optionalKey(Schema.Struct({ closed_at: Schema.String }))
})

/** As the runtime stores it; every event here says itself when it was. */
export const toRecorded = (event: { readonly _tag: string }): RecordedEvent => {
  const { _tag, ...data } = event
  const { at, opened_at, refused, result } = Schema.decodeUnknownSync(Times)(data)
  return { _tag, data, time: at ?? opened_at ?? refused?.at ?? Date.parse(result?.closed_at ?? "1970-01-01") }
}
