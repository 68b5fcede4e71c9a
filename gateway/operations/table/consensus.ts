import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import {
  CancelBody,
  ConsensusBody,
  ConsensusId,
  ConsensusOpened,
  RoundStatus,
  VoteBody
} from "../../../protocols/index.ts"
import { asking } from "../../admission/access.ts"
import { cancelConsensus, castVote, consensusStatus, openConsensus } from "../consensus.ts"
import { operation, socketOperation } from "./entry.ts"
import { ACCEPTED, Accepted, CHANGES, headers, problems, READS } from "./schemas.ts"

const ROUNDS = "/api/v1/agents/consensus"

/** Consensus rounds. */
export const rounds = HttpApiGroup.make("consensus").add(
  operation(
    HttpApiEndpoint.post("open", ROUNDS, {
      headers,
      payload: ConsensusBody,
      success: ConsensusOpened.annotate({ httpApiStatus: 201 }),
      error: problems([409, ...CHANGES])
    }),
    {
      summary: "Open a round; voters outside get a secret each, which is said this once",
      listed: 'open a consensus round: {"symbol":"AAPL"}; answers its id, and a secret for each voter outside',
      access: asking("request_consensus"),
      socket: socketOperation("request_consensus", Schema.Struct({ request: ConsensusBody }), ({ request }) => ({
        payload: request
      })),
      run: ({ payload, caller, correlationId }) => ({
        result: openConsensus(payload, caller, correlationId),
        headers: (opened) =>
          opened === undefined
            ? {}
            : { location: `${ROUNDS}/${opened.consensus_id}`, "x-correlation-id": opened.correlation_id }
      })
    }
  ),
  operation(
    HttpApiEndpoint.get("show", `${ROUNDS}/:id`, {
      params: { id: ConsensusId },
      success: RoundStatus,
      error: problems([404, ...READS])
    }),
    {
      summary: "A round as it is now, with its result once it is closed",
      access: asking("status"),
      socket: socketOperation(
        "status",
        Schema.Struct({ of: Schema.Struct({ consensus_id: ConsensusId }) }),
        ({ of: { consensus_id: id } }) => ({ params: { id } })
      ),
      run: ({ params: { id }, caller }) => ({ result: consensusStatus(id, caller) })
    }
  ),
  operation(
    HttpApiEndpoint.post("vote", `${ROUNDS}/:id/votes`, {
      params: { id: ConsensusId },
      headers,
      payload: VoteBody,
      success: Accepted,
      error: problems([404, 409, ...CHANGES])
    }),
    {
      summary: "A vote from outside, with the voter's secret",
      access: asking("vote"),
      socket: socketOperation(
        "vote",
        Schema.Struct({ consensus_id: ConsensusId, vote: VoteBody }),
        ({ consensus_id: id, vote }) => ({ params: { id }, payload: vote })
      ),
      run: ({ params: { id }, payload, caller }) => ({ result: Effect.as(castVote(id, payload, caller), ACCEPTED) })
    }
  ),
  operation(
    HttpApiEndpoint.post("cancel", `${ROUNDS}/:id/cancel`, {
      params: { id: ConsensusId },
      headers,
      payload: CancelBody,
      success: Accepted,
      error: problems([404, 409, ...CHANGES])
    }),
    {
      summary: "Close a round without a decision",
      access: asking("cancel"),
      socket: socketOperation(
        "cancel",
        Schema.Struct({ of: Schema.Struct({ consensus_id: ConsensusId, ...CancelBody.fields }) }),
        ({ of: { consensus_id: id, ...payload } }) => ({ params: { id }, payload })
      ),
      run: ({ params: { id }, payload, caller }) => ({
        result: Effect.as(cancelConsensus(id, payload, caller), ACCEPTED)
      })
    }
  )
)
