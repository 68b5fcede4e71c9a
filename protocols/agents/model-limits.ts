import { Schema } from "effect"
import { open } from "../vocabulary/open.ts"
import { BreakerState, type ModelName } from "./model.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Positive = Schema.Int.check(Schema.isGreaterThan(0))
const Millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** What of a model's is looked at by itself: its breaker and its part of the rate are those of who is served. */
const Key = Schema.NonEmptyString.check(Schema.isMaxLength(200))

/** A request may go, fenced by its generation; or not, since the breaker is open or a request of another tries it. */
export const CircuitAnswer = open({
  admitted: Schema.Boolean,
  state: BreakerState,
  generation: Count,
  /** How often the breaker opened since it was last well for long. */
  openings: Count,
  /** This request made it half open. */
  tries: Schema.Boolean,
  /** How long it stays open, in milliseconds. */
  retry_after_ms: Millis
})

/** What a record of a request has changed. */
export const CircuitTurned = open({
  from: Schema.optionalKey(BreakerState),
  to: Schema.optionalKey(BreakerState),
  openings: Count
})

/** What the limits of a model are asked, by all nodes that ask the model. Its id is `modelLimitsId`. */
export const ModelLimitsProtocol = {
  type: "model_limits",
  messages: {
    /** May a request be sent? */
    Admit: { payload: open({ key: Key }), reply: CircuitAnswer },
    /** How a request that was admitted has ended. After `failures` in a row the breaker opens for `open_ms`. */
    Record: {
      payload: open({
        key: Key,
        generation: Count,
        outcome: Schema.Literals(["success", "failure", "ignored"]),
        failures: Positive,
        open_ms: Millis
      }),
      reply: CircuitTurned
    },
    /** Takes from a bucket that holds `limit` and is refilled by one every `refill_ms`. Below 0 nothing was taken. */
    Take: {
      payload: open({
        key: Key,
        tokens: Positive,
        limit: Positive,
        refill_ms: Schema.Finite.check(Schema.isGreaterThan(0))
      }),
      reply: open({ remaining: Schema.Finite, elapsed_ms: Millis })
    },
    /** The breaker as it is. */
    GetState: { payload: open({ key: Key }), reply: CircuitAnswer }
  }
} as const

const ID_CHARACTERS_MAX = 128

/** The actor id of a model's limits: its name, with `|` for the dots that an id cannot hold, and no longer than an id can be. */
export const modelLimitsId = (model: ModelName): string => model.replaceAll(".", "|").slice(0, ID_CHARACTERS_MAX)
