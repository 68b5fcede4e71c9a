// Short files of prices, written in a test, and what becomes of them.
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import { MarketDataError, parseBars, parseMarket, type ReadOptions } from "../../market/index.ts"

export const read = (text: string, options: ReadOptions = {}) => Effect.runSync(Effect.result(parseBars(text, options)))
export const bars = (text: string, options: ReadOptions = {}) => Result.getOrThrow(read(text, options))
export const noticed = (text: string, options: ReadOptions = {}) =>
  Effect.runSync(parseMarket(text, options)).notices.map(({ kind, count, lines }) => [kind, count, lines])
export const fault = (text: string, options: ReadOptions = {}) => {
  const result = read(text, options)
  if (Result.isSuccess(result)) throw new Error(`read ${result.success.length} bars`)
  assert.instanceOf(result.failure, MarketDataError)
  return result.failure.message
}

export const HEADER = "Date,Open,High,Low,Close,Volume"
export const GOOD = "2024-01-02,10,12,9,11,500"
export const row = (text: string) => fault(`${HEADER}\n${GOOD}\n${text}\n`)
export const bar = { time: Date.UTC(2024, 0, 2), open: 10, high: 12, low: 9, close: 11, volume: 500 }
