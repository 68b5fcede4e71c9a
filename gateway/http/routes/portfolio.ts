import { Effect, Result, Schema } from "effect"
import { AccountId, SwitchBody } from "../../../protocols/index.ts"
import type { Actors } from "../../../runtime/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed } from "../../failures/problem.ts"
import { type PortfolioFailure, portfolio, turnSwitch } from "../../operations/portfolio.ts"
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

export const PORTFOLIO = "/api/v1/agents/portfolio"

/** Adds the addresses of trading accounts. */
export const addPortfolioRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  const only = (method: string) => route((call) => call.respond(methodNotAllowed(method)))
  app.get(`${PORTFOLIO}/:account`, route(getJson(options, show)))
  app.post(`${PORTFOLIO}/:account/switch`, route(postJson(options, turn)))
  app.post(`${PORTFOLIO}/:account`, only("GET"))
  app.get(`${PORTFOLIO}/:account/switch`, only("POST"))
}

const decodeSwitch = Schema.decodeUnknownResult(SwitchBody, { onExcessProperty: "error" })
const isAccount = Schema.is(AccountId)

/** 200 with a `PortfolioView`. */
const show: JsonHandler = ({ parameter: account, caller }) =>
  ofAccount(account, () => Effect.map(portfolio(account, caller), (view) => json(200, view)))

/** 200 with whether entries are stopped now, and how many orders are under way. */
const turn: JsonHandler = (asked) => {
  const { parameter: account, caller } = asked
  const read = readJson(decodeSwitch, asked)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  const { body } = read.success
  return ofAccount(account, () =>
    Effect.map(turnSwitch(account, body, caller), (switched) => json(200, { account, ...switched }))
  )
}

const ofAccount = (account: string, act: () => Effect.Effect<Reply, PortfolioFailure, Actors>) =>
  isAccount(account)
    ? act().pipe(explained((failure: PortfolioFailure) => failureProblem(failure)))
    : Effect.succeed(
        invalidRequest({ field: "account", rule: "an account is 1 to 64 letters, digits, dashes or underscores" })
      )
