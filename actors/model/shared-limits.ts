// The breaker and the rate of a model for all nodes together: Effect's stores, kept by an actor for each model.
import { Clock, Duration, Effect, Schema } from "effect"
import { CircuitBreaker, RateLimiter } from "effect/persistence"
import { ModelLimitsProtocol, type ModelName, modelLimitsId } from "../../protocols/index.ts"
import type { Actors, AskName, Payload, Reply } from "../../runtime/index.ts"

/** Where breakers and rates are kept. */
export interface LimitStores {
  readonly circuits: CircuitBreaker.CircuitBreakerStore["Service"]
  readonly rates: RateLimiter.RateLimiterStore["Service"]
}

/** For whom a model is asked: what clients ask for opens no breaker of the market's. */
export type Served = "market" | "requested"

const SEPARATOR = " "

/** Under which key a model's breaker, or a part of its rate, is kept. No model has a space in its name. */
export const limitKey = (model: ModelName, part: string): string => `${model}${SEPARATOR}${part}`

const partsOf = (key: string) => {
  const at = key.indexOf(SEPARATOR)
  return { model: key.slice(0, at), key: key.slice(at + 1) }
}

/** Kept by this process, for it alone. */
export const localLimits: Effect.Effect<LimitStores> = Effect.all({
  circuits: CircuitBreaker.CircuitBreakerStore,
  rates: RateLimiter.RateLimiterStore
}).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()), Effect.provide(RateLimiter.layerStoreMemory))

/** What is asked of the actor of a model's limits, in milliseconds. One whose node is just being taken over answers later. */
const PATIENCE_MILLIS = 1_000
/** For so long nobody is asked again after there was no answer: a request to a model cannot wait for that each time. */
const SILENCE_MILLIS = 10_000

/** There was no answer of late. */
class Unanswered extends Schema.TaggedError<Unanswered>()("Unanswered", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

type Ask = <K extends AskName<typeof ModelLimitsProtocol>>(
  at: string,
  message: K,
  payload: Omit<Payload<typeof ModelLimitsProtocol, K>, "key">
) => Effect.Effect<Reply<typeof ModelLimitsProtocol, K>, Unanswered>

/**
 * Kept by actors, for all nodes. Where they cannot be asked, such as while their node is being taken over, the breaker lets requests
 * through, and so does the rate: whoever asks a model sees by itself that it fails.
 */
export const sharedLimits = (actors: Pick<Actors["Service"], "ask">): Effect.Effect<LimitStores> =>
  Effect.map(localLimits, ({ rates }) => {
    const ask = asking(actors)
    return {
      circuits: CircuitBreaker.CircuitBreakerStore.of({
        admit: (at) => admit(ask, at),
        record: (options) => record(ask, options),
        state: (at) => stateOf(ask, at)
      }),
      // Of the ways to keep a rate only this one is used.
      rates: RateLimiter.RateLimiterStore.of({
        ...rates,
        tokenBucket: ({ key: at, tokens, limit, refillRate }) =>
          ask(at, "Take", { tokens, limit, refill_ms: Duration.toMillis(refillRate) }).pipe(
            Effect.map(({ remaining, elapsed_ms }): readonly [number, number] => [remaining, elapsed_ms]),
            Effect.mapError(
              ({ message }) =>
                new RateLimiter.RateLimiterError({ reason: new RateLimiter.RateLimitStoreError({ message }) })
            )
          )
      })
    }
  })

/** Asks what is kept under a key; not again for a while after there was no answer. */
const asking = (actors: Pick<Actors["Service"], "ask">): Ask => {
  let silentUntil = Number.NEGATIVE_INFINITY
  return (at, message, payload) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (now < silentUntil) return yield* new Unanswered({ detail: "nobody keeps the limits of models at present" })
      const { model, key } = partsOf(at)
      const options = { timeout: PATIENCE_MILLIS }
      return yield* actors.ask(ModelLimitsProtocol, modelLimitsId(model), message, { ...payload, key }, options).pipe(
        Effect.mapError((error) => {
          silentUntil = now + SILENCE_MILLIS
          return new Unanswered({ detail: error instanceof Error ? error.message : "it was refused" })
        })
      )
    })
}

type Stores = LimitStores["circuits"]

const unanswered = ({ message }: Error) =>
  new CircuitBreaker.CircuitBreakerError({ reason: new CircuitBreaker.CircuitBreakerStoreError({ message }) })

const admit = (ask: Ask, at: string): ReturnType<Stores["admit"]> =>
  Effect.gen(function* () {
    const { admitted, state, generation, openings, tries, retry_after_ms } = yield* ask(at, "Admit", {}).pipe(
      Effect.mapError(unanswered)
    )
    if (admitted) {
      return {
        ...{ generation, probe: state === "half_open", consecutiveOpenings: openings },
        transition: tries ? { key: at, from: "Open", to: "HalfOpen" } : undefined
      }
    }
    const reason =
      state === "half_open"
        ? new CircuitBreaker.CircuitHalfOpen({ key: at })
        : new CircuitBreaker.CircuitOpen({ key: at, retryAfter: Duration.millis(retry_after_ms) })
    return yield* new CircuitBreaker.CircuitBreakerError({ reason })
  })

const OUTCOMES: {
  readonly [outcome in Parameters<Stores["record"]>[0]["outcome"]]: "success" | "failure" | "ignored"
} = { Success: "success", Failure: "failure", Ignored: "ignored" }

const record = (
  ask: Ask,
  { key: at, generation, outcome, tripPolicy, openFor }: Parameters<Stores["record"]>[0]
): ReturnType<Stores["record"]> => {
  const ended = {
    ...{ generation, outcome: OUTCOMES[outcome] },
    failures: tripPolicy._tag === "Consecutive" ? tripPolicy.failures : 1,
    open_ms: Duration.toMillis(openFor)
  }
  return ask(at, "Record", ended).pipe(
    Effect.map(({ from, to, openings }): CircuitBreaker.Transition | undefined => {
      if (to === "open") {
        const closed = from === "half_open" ? "HalfOpen" : "Closed"
        return { key: at, from: closed, to: "Open", retryAfter: openFor, consecutiveOpenings: openings }
      }
      return to === "closed" ? { key: at, from: "HalfOpen", to: "Closed" } : undefined
    }),
    Effect.mapError(unanswered)
  )
}

const stateOf = (ask: Ask, at: string): ReturnType<Stores["state"]> =>
  ask(at, "GetState", {}).pipe(
    Effect.map(({ state, openings, retry_after_ms }): CircuitBreaker.State => {
      if (state === "closed") return { _tag: "Closed", key: at }
      return state === "open"
        ? { _tag: "Open", key: at, retryAfter: Duration.millis(retry_after_ms), consecutiveOpenings: openings }
        : { _tag: "HalfOpen", key: at, probing: true, consecutiveOpenings: openings }
    }),
    Effect.mapError(unanswered)
  )
