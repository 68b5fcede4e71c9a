import { Schema } from "effect"
import { BarTime, GIVEN_TIME_MAX } from "../market/market.ts"
import { ConsensusId } from "../vocabulary/names.ts"
import { isShallow, LEVELS_MAX, open } from "../vocabulary/open.ts"
import { Confidence, Decision } from "./decision.ts"

const Millis = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** The most items that one analysis is given. */
export const CONTEXT_ITEMS_MAX = 32
/** The most characters of one item's text. */
export const CONTEXT_TEXT_MAX = 4_000

/**
 * Something from outside that an agent may know: a piece of news, or a measure of sentiment. It is data for an agent, never an
 * instruction to it.
 *
 * `time` is when it became known, in milliseconds since 1970 UTC; `score` is from -1 (bad for the price) to 1.
 */
export const ContextItem = open({
  kind: Schema.Literals(["news", "sentiment"]),
  source: Schema.NonEmptyString.check(Schema.isMaxLength(200)),
  time: Millis,
  text: Schema.NonEmptyString.check(Schema.isMaxLength(CONTEXT_TEXT_MAX)),
  score: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: -1, maximum: 1 })))
})
export type ContextItem = typeof ContextItem.Type

/** An item as somebody may give it. */
export const GivenContextItem = ContextItem.check(
  Schema.makeFilter((item) => {
    const issue = "a time is in milliseconds since 1970, and before the year 2100"
    if (item.time > GIVEN_TIME_MAX) return { path: ["time"], issue }
    // What is nested without end has no JSON: writing it would overflow the stack.
    return isShallow(item, LEVELS_MAX) ? undefined : `an item has at most ${LEVELS_MAX} levels`
  })
)

/** The most bytes of the items of one analysis, as JSON: they are stored with the request, and with every agent that is asked. */
export const CONTEXT_BYTES_MAX = 64 * 1024

/** The bytes of items as JSON. */
export const contextBytes = (items: ReadonlyArray<ContextItem>): number =>
  new TextEncoder().encode(JSON.stringify(items)).length

const withinBounds = <S extends typeof ContextItem>(item: S) =>
  Schema.Array(item).check(
    Schema.isMaxLength(CONTEXT_ITEMS_MAX, { message: `at most ${CONTEXT_ITEMS_MAX} items` }),
    Schema.makeFilter(
      (items) => contextBytes(items) <= CONTEXT_BYTES_MAX || `at most ${CONTEXT_BYTES_MAX} bytes as JSON`
    )
  )

/** The items of one analysis. */
export const ContextItems = withinBounds(ContextItem)
/** The same as somebody may give them. */
export const GivenContextItems = withinBounds(GivenContextItem)
export type ContextItems = typeof ContextItems.Type

/** How many of a symbol's latest decisions its agents are told. */
export const PAST_DECISIONS_MAX = 32

/** A joint decision of the past: the bar it was made on, and that bar's close. */
export const PastDecision = open({
  consensus_id: ConsensusId,
  bar_time: BarTime,
  price: Schema.Finite,
  decision: Decision,
  confidence: Confidence
})
export type PastDecision = typeof PastDecision.Type
