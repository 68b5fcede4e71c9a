import { Effect, Schema } from "effect"
import { SystemStatus } from "../../../protocols/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { methodNotAllowed } from "../../failures/problem.ts"
import type { systemStatusOf } from "../../operations/system.ts"
import type { TemplatedApp } from "../../uws.ts"
import { explained, getJson, json, type Route, type RouteOptions } from "../json.ts"

export const SYSTEM = "/api/v1/agents/system/status"

/** The status of the system for who asks. */
export type ReadSystem = Effect.Success<ReturnType<typeof systemStatusOf>>

const encode = Schema.encodeEffect(SystemStatus)

/** Adds the address that says how the system is: 200 with a `SystemStatus`. */
export const addSystemRoutes = (app: TemplatedApp, options: RouteOptions, route: Route, read: ReadSystem): void => {
  const answer = getJson(options, ({ caller }) =>
    read(caller).pipe(
      Effect.flatMap((status) => Effect.orDie(encode(status))),
      Effect.map((status) => json(200, status)),
      explained((failure) => failureProblem(failure))
    )
  )
  app.get(SYSTEM, route(answer))
  app.post(
    SYSTEM,
    route((call) => call.respond(methodNotAllowed("GET")))
  )
}
