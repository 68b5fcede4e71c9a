import { Effect, Result, Schema } from "effect"
import { AllocationBody, AllocationId } from "../../../protocols/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed } from "../../failures/problem.ts"
import { allocate, allocationIdOf, allocationResult } from "../../operations/allocation.ts"
import { correlationOf } from "../../operations/analysis.ts"
import type { TemplatedApp } from "../../uws.ts"
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

export const ALLOCATION = "/api/v1/agents/allocation"

/** Adds the addresses of decisions over several symbols to the app. */
export const addAllocationRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  const only = (method: string) => route((call) => call.respond(methodNotAllowed(method)))
  app.post(ALLOCATION, route(postJson(options, answerAllocate)))
  app.get(`${ALLOCATION}/:id`, route(getJson(options, showAllocation)))
  app.get(ALLOCATION, only("POST"))
  app.post(`${ALLOCATION}/:id`, only("GET"))
}

const decodeBody = Schema.decodeUnknownResult(AllocationBody, { onExcessProperty: "error" })
const isAllocationId = Schema.is(AllocationId)

/** 200 with the targets once all symbols are decided, or their time is over; the header `location` is where they stay. */
const answerAllocate: JsonHandler = (asked) =>
  Effect.gen(function* () {
    const read = readJson(decodeBody, asked)
    if (Result.isFailure(read)) return invalidRequest(read.failure)
    const { caller } = asked
    const { body } = read.success
    const correlationId = correlationOf(caller, body.correlation_id, read.success.correlationId)
    const id = allocationIdOf(caller)
    const reply = yield* allocate(body, { id, correlationId, caller }).pipe(
      Effect.map((result) => json(200, { allocation_id: id, ...result })),
      explained((failure) => failureProblem(failure, correlationId), correlationId)
    )
    const headers = { location: `${ALLOCATION}/${id}`, "x-correlation-id": correlationId }
    return { ...reply, headers: { ...reply.headers, ...headers } }
  })

/** 200 with the result, which is null as long as decisions are awaited. */
const showAllocation: JsonHandler = ({ parameter: id, caller }) =>
  isAllocationId(id)
    ? allocationResult(id, caller).pipe(
        Effect.map((result) => json(200, { allocation_id: id, result })),
        explained((failure) => failureProblem(failure))
      )
    : Effect.succeed(
        invalidRequest({
          field: "id",
          rule: "an allocation's id is 1 to 64 letters, digits, dashes or underscores"
        })
      )
