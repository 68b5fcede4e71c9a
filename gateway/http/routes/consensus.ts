import { Effect, Result, Schema } from "effect"
import { CancelBody, ConsensusBody, ConsensusId, VoteBody } from "../../../protocols/index.ts"
import type { Actors } from "../../../runtime/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed } from "../../failures/problem.ts"
import {
  type ConsensusFailure,
  cancelConsensus,
  castVote,
  consensusStatus,
  openConsensus
} from "../../operations/consensus.ts"
import type { Reply, TemplatedApp } from "../../uws.ts"
import {
  explained,
  getJson,
  type JsonHandler,
  json,
  postJson,
  type Route,
  type RouteOptions,
  readJson
} from "../json.ts"

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
const openRound: JsonHandler = (asked) => {
  const read = readJson(decodeBody, asked)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  const { body, correlationId } = read.success
  return openConsensus(body, asked.caller, correlationId).pipe(
    Effect.map((opened): Reply => {
      const reply = json(201, opened)
      const headers = { location: `${CONSENSUS}/${opened.consensus_id}`, "x-correlation-id": opened.correlation_id }
      return { ...reply, headers: { ...reply.headers, ...headers } }
    }),
    answered
  )
}

const showRound: JsonHandler = ({ parameter: id, caller }) =>
  inRound(id, () =>
    Effect.map(
      consensusStatus(id, caller),
      (body): Reply => ({ status: 200, headers: { "content-type": "application/json" }, body })
    )
  )

const vote: JsonHandler = (asked) => {
  const read = readJson(decodeVote, asked)
  const { parameter: id, caller } = asked
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  return inRound(id, () => Effect.as(castVote(id, read.success.body, caller), json(200, { accepted: true })))
}

const cancel: JsonHandler = (asked) => {
  const read = readJson(decodeCancel, asked)
  const { parameter: id, caller } = asked
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  return inRound(id, () => Effect.as(cancelConsensus(id, read.success.body, caller), json(200, { accepted: true })))
}

const inRound = (id: string, act: () => Effect.Effect<Reply, ConsensusFailure, Actors>) =>
  isConsensusId(id)
    ? answered(act())
    : Effect.succeed(invalidRequest({ field: "id", rule: "a consensus id is a ULID: 26 of 0-9 A-Z" }))

const answered = explained((failure: ConsensusFailure) => failureProblem(failure))
