import { Effect, Option, Result, Schema } from "effect"
import { BarsBody, MarketSymbol, SYMBOL_RULE } from "../../../protocols/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed } from "../../failures/problem.ts"
import { feedBars } from "../../operations/market.ts"
import type { TemplatedApp } from "../../uws.ts"
import { explained, type JsonHandler, json, postJson, type Route, type RouteOptions, readJson } from "../json.ts"

export const MARKET = "/api/v1/market"

/** Adds the address that takes the bars of a market. */
export const addMarketRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  app.post(`${MARKET}/:symbol/bars`, route(postJson(options, takeBars)))
  app.get(
    `${MARKET}/:symbol/bars`,
    route((call) => call.respond(methodNotAllowed("POST")))
  )
}

const decodeBars = Schema.decodeUnknownResult(BarsBody, { onExcessProperty: "error" })
const decodeSymbol = Schema.decodeUnknownOption(MarketSymbol)

/** A symbol may hold a slash, which is `%2F` in a path. */
const symbolIn = (parameter: string): Option.Option<string> =>
  Option.flatMap(Option.liftThrowable((text: string) => decodeURIComponent(text))(parameter), (text) =>
    decodeSymbol(text)
  )

/** 200 with a `BarsTaken`, once every bar is stored with its effects, or is stale. */
const takeBars: JsonHandler = (asked) => {
  const symbol = symbolIn(asked.parameter)
  if (Option.isNone(symbol)) {
    return Effect.succeed(invalidRequest({ field: "symbol", rule: SYMBOL_RULE }))
  }
  const read = readJson(decodeBars, asked)
  if (Result.isFailure(read)) return Effect.succeed(invalidRequest(read.failure))
  return feedBars(symbol.value, read.success.body, asked.caller).pipe(
    Effect.map((taken) => json(200, taken)),
    explained((failure) => failureProblem(failure))
  )
}
