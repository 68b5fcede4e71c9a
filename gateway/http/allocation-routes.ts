import { randomUUID } from "node:crypto"
import { Effect, Result, Schema } from "effect"
import {
  AllocationBody,
  AllocationId,
  type AllocationOpen,
  AllocationProtocol,
  AllocationResult,
  type UnknownAllocation
} from "../../protocols/index.ts"
import { Actors, type AskError } from "../../runtime/index.ts"
import type { Reply, TemplatedApp } from "../uws.ts"
import { explained, getJson, json, postJson, type Route, type RouteOptions, readJson } from "./json.ts"
import { askProblem, internal, invalidRequest, methodNotAllowed, problem } from "./problem.ts"

export const ALLOCATION = "/api/v1/agents/allocation"

/** Adds the addresses of decisions over several symbols to the app. */
export const addAllocationRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  const only = (method: string) => route((call) => call.respond(methodNotAllowed(method)))
  app.post(ALLOCATION, route(postJson(options, allocate)))
  app.get(`${ALLOCATION}/:id`, route(getJson(options, showAllocation)))
  app.get(ALLOCATION, only("POST"))
  app.post(`${ALLOCATION}/:id`, only("GET"))
}

const TIMEOUT_MILLIS = 30_000
/** How much longer than the symbols' decisions the answer is awaited, in milliseconds. */
const ANSWER_MARGIN_MILLIS = 5_000

type Failure = AskError | Schema.Schema.Type<typeof AllocationOpen> | Schema.Schema.Type<typeof UnknownAllocation>

const decodeBody = Schema.decodeUnknownResult(AllocationBody, { onExcessProperty: "error" })
const encodeResult = Schema.encodeEffect(AllocationResult)
const isAllocationId = Schema.is(AllocationId)

/** 200 with the targets once all symbols are decided, or their time is over; the header `location` is where they stay. */
const allocate = (bytes: Uint8Array, givenId: string): Effect.Effect<Reply, never, Actors> =>
  Effect.gen(function* () {
    const read = readJson(decodeBody, bytes, givenId)
    if (Result.isFailure(read)) return invalidRequest(read.failure)
    const { correlation_id, drawdown = 0, vetoed = [], timeout_ms = TIMEOUT_MILLIS, ...body } = read.success.body
    const correlationId = read.success.correlationId ?? correlation_id ?? randomUUID()
    const request = { ...body, correlation_id: correlationId, drawdown, vetoed, timeout_ms }
    const id = randomUUID()
    const actors = yield* Actors
    const options = { correlationId, timeout: timeout_ms + ANSWER_MARGIN_MILLIS }
    const reply = yield* actors.ask(AllocationProtocol, id, "Allocate", { request }, options).pipe(
      Effect.flatMap((result) => Effect.orDie(encodeResult(result))),
      Effect.map((result) => json(200, { allocation_id: id, ...result })),
      explained((failure: Failure) => failureProblem(failure, correlationId), correlationId)
    )
    const headers = { location: `${ALLOCATION}/${id}`, "x-correlation-id": correlationId }
    return { ...reply, headers: { ...reply.headers, ...headers } }
  })

/** 200 with the result, which is null as long as decisions are awaited. */
const showAllocation = (id: string): Effect.Effect<Reply, never, Actors> =>
  isAllocationId(id)
    ? Actors.use((actors) => actors.ask(AllocationProtocol, id, "GetResult", {})).pipe(
        Effect.flatMap((result) => (result === null ? Effect.succeed(null) : Effect.orDie(encodeResult(result)))),
        Effect.map((result) => json(200, { allocation_id: id, result })),
        explained((failure: Failure) => failureProblem(failure))
      )
    : Effect.succeed(
        invalidRequest({
          field: "id",
          rule: "an allocation's id is 1 to 64 letters, digits, dashes or underscores"
        })
      )

const failureProblem = (failure: Failure, correlationId?: string): Reply => {
  switch (failure._tag) {
    case "UnknownAllocation":
      return problem({
        status: 404,
        code: "unknown-allocation",
        title: "There is no such allocation",
        detail: "nobody asked for an allocation with this id"
      })
    case "AllocationOpen":
      return internal(correlationId)
    default:
      return askProblem(failure, correlationId)
  }
}
