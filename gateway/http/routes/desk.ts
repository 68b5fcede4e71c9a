import { Effect, Result, Schema } from "effect"
import { CoordinatorStatus, MarketSymbol, MessageBody, SYMBOL_RULE } from "../../../protocols/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed } from "../../failures/problem.ts"
import { sendMessage, symbolStatus } from "../../operations/messages.ts"
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

export const MESSAGE = "/api/v1/agents/message"
export const STATUS = "/api/v1/agents/status"

/** Adds the addresses that say something to an agent, and what is known of a symbol. */
export const addDeskRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  const only = (method: string) => route((call) => call.respond(methodNotAllowed(method)))
  app.post(MESSAGE, route(postJson(options, message)))
  app.get(MESSAGE, only("POST"))
  app.get(STATUS, route(getJson(options, status)))
  app.post(STATUS, only("GET"))
}

const decodeMessage = Schema.decodeUnknownResult(MessageBody, { onExcessProperty: "error" })
const encodeStatus = Schema.encodeEffect(CoordinatorStatus)
const isSymbol = Schema.is(MarketSymbol)

/** 200 once it is stored; everybody who watches the symbol sees it. */
const message: JsonHandler = (asked) => {
  const read = readJson(decodeMessage, asked)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  return sendMessage(read.success.body, asked.caller).pipe(
    Effect.as(json(200, { accepted: true })),
    explained((failure) => failureProblem(failure))
  )
}

/** 200 with a `CoordinatorStatus`. The symbol is in the query, because it may hold a slash. */
const status: JsonHandler = ({ query, caller }) => {
  const symbol = query.get("symbol") ?? ""
  if (!isSymbol(symbol)) {
    return Effect.succeed(invalidRequest({ field: "symbol", rule: SYMBOL_RULE }))
  }
  return symbolStatus(symbol, caller).pipe(
    Effect.flatMap((found) => Effect.orDie(encodeStatus(found))),
    Effect.map((found) => json(200, found)),
    explained((failure) => failureProblem(failure))
  )
}
