import { Effect, Result, Schema } from "effect"
import { CancelBody, ConsensusBody, ConsensusId, VoteBody } from "../../protocols/index.ts"
import type { Actors } from "../../runtime/index.ts"
import { type ConsensusFailure, cancelConsensus, castVote, consensusStatus, openConsensus } from "../consensus.ts"
import type { Reply, TemplatedApp } from "../uws.ts"
import { explained, getJson, json, postJson, type Route, type RouteOptions, readJson } from "./json.ts"
import { askProblem, invalidRequest, methodNotAllowed, problem } from "./problem.ts"

export const CONSENSUS = "/api/v1/agents/consensus"

/** Adds the addresses of consensus rounds to the app. */
export const addConsensusRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  const only = (method: string) => route((call) => call.respond(methodNotAllowed(method)))
  app.post(CONSENSUS, route(postJson(options, openRound)))
  app.get(`${CONSENSUS}/:id`, route(getJson(options, showRound)))
  app.post(`${CONSENSUS}/:id/votes`, route(postJson(options, vote)))
  app.post(`${CONSENSUS}/:id/cancel`, route(postJson(options, cancel)))
  app.get(CONSENSUS, only("POST"))
  app.post(`${CONSENSUS}/:id`, only("GET"))
  app.get(`${CONSENSUS}/:id/votes`, only("POST"))
  app.get(`${CONSENSUS}/:id/cancel`, only("POST"))
}

const strict = { onExcessProperty: "error" } as const
const decodeBody = Schema.decodeUnknownResult(ConsensusBody, strict)
const decodeVote = Schema.decodeUnknownResult(VoteBody, strict)
const decodeCancel = Schema.decodeUnknownResult(CancelBody, strict)
const isConsensusId = Schema.is(ConsensusId)

/** 201 with the round's id and the secrets of voters outside. */
const openRound = (bytes: Uint8Array, givenId: string) => {
  const read = readJson(decodeBody, bytes, givenId)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  const { body, correlationId } = read.success
  return openConsensus(body, correlationId).pipe(
    Effect.map((opened): Reply => {
      const reply = json(201, opened)
      const headers = { location: `${CONSENSUS}/${opened.consensus_id}`, "x-correlation-id": opened.correlation_id }
      return { ...reply, headers: { ...reply.headers, ...headers } }
    }),
    answered
  )
}

const showRound = (id: string) =>
  inRound(id, () =>
    Effect.map(
      consensusStatus(id),
      (body): Reply => ({ status: 200, headers: { "content-type": "application/json" }, body })
    )
  )

const vote = (bytes: Uint8Array, givenId: string, id: string) => {
  const read = readJson(decodeVote, bytes, givenId)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  return inRound(id, () => Effect.as(castVote(id, read.success.body), json(200, { accepted: true })))
}

const cancel = (bytes: Uint8Array, givenId: string, id: string) => {
  const read = readJson(decodeCancel, bytes, givenId)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  return inRound(id, () => Effect.as(cancelConsensus(id, read.success.body), json(200, { accepted: true })))
}

const inRound = (id: string, act: () => Effect.Effect<Reply, ConsensusFailure, Actors>) =>
  isConsensusId(id)
    ? answered(act())
    : Effect.succeed(invalidRequest({ field: "id", rule: "a consensus id is a ULID: 26 of 0-9 A-Z" }))

/** What a client may know of what went wrong with a round. */
const consensusProblem = (failure: ConsensusFailure): Reply => {
  switch (failure._tag) {
    case "UnknownRound":
    case "NotInvited":
    case "DuplicateVote":
    case "RoundClosed":
      return problem(REFUSALS[failure._tag])
    case "InvalidRound":
      return invalidRequest({ field: failure.field, rule: failure.rule })
    case "NoMarketData":
      return problem({
        status: 409,
        code: "no-market-data",
        title: "No bars of this symbol are known",
        detail: "the agents that are invited have nothing to look at: invite voters outside, or let the system see bars"
      })
    default:
      return askProblem(failure)
  }
}

const NOT_TAKEN = "The vote was not taken"

/** Why a word was refused, as a problem; `detail` says it in words. */
export const REFUSALS = {
  UnknownRound: {
    status: 404,
    code: "unknown-round",
    title: "There is no such round",
    detail: "no round with this id was opened"
  },
  RoundClosed: {
    status: 409,
    code: "round-closed",
    title: "The round is closed",
    detail: "it takes no votes any more"
  },
  NotInvited: {
    status: 403,
    code: "not-invited",
    title: NOT_TAKEN,
    detail: "the round has no such voter, or the token is not the voter's"
  },
  DuplicateVote: {
    status: 409,
    code: "duplicate-vote",
    title: NOT_TAKEN,
    detail: "this voter has voted or abstained already, and its first word counts"
  }
} as const

const answered = explained(consensusProblem)
