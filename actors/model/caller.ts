import { Clock, Duration, Effect, Random, Result, Schedule, type Scope, Semaphore } from "effect"
import { CircuitBreaker, RateLimiter } from "effect/persistence"
import type { BreakerState, ModelCallBegun, ModelErrorKind, ModelName } from "../../protocols/index.ts"
import { CONSEQUENCES, ModelError } from "./errors.ts"
import type { LanguageModel, Question, Turn } from "./language-model.ts"
import { countCall, countGivenUp, showBreaker } from "./metrics.ts"
import { costOf, estimateTokens, type Prices } from "./prices.ts"
import { type LimitStores, limitKey, localLimits, type Served } from "./shared-limits.ts"
import { ModelWarnings } from "./warnings.ts"

export interface CallerOptions {
  readonly prices: Prices
  /** How long one request may take; 10 seconds unless given. */
  readonly timeout?: Duration.Input
  /** How many requests a minute a model gets, from all who share the stores; 60 unless given. */
  readonly callsPerMinute?: number
  /** How many requests to a model are under way at once from this process; 4 unless given. What is more waits. */
  readonly concurrency?: number
  /** How often one question is asked, when that can help; 3 unless given. */
  readonly attempts?: number
  /** After so many failures in a row a model is left alone; 5 unless given. */
  readonly failures?: number
  /** For how long it is left alone first; 15 seconds unless given. Each further time doubles it, up to 5 minutes. */
  readonly pause?: Duration.Input
}

/** One request, when it has ended. */
export interface Attempt {
  readonly call_id: string
  readonly attempt: number
  readonly elapsedMillis: number
  readonly result: Result.Result<Turn, ModelError>
  readonly cost: number | null
}

/** What becomes of requests. None of these may fail but `begin`, without which nothing is sent. */
export interface CallHooks {
  /** Before a request is sent. */
  readonly begin: (call: ModelCallBegun) => Effect.Effect<void, unknown>
  /** After it has ended. */
  readonly ended: (attempt: Attempt) => Effect.Effect<void>
  /** The breaker of the model opened, or closed again, for whom it is served. Each change is told once by this process. */
  readonly breakerTurned: (
    model: ModelName,
    state: "open" | "closed",
    reason: string,
    served: Served
  ) => Effect.Effect<void>
}

export interface Asking extends CallHooks {
  /** What the ids of its calls begin with. */
  readonly key: string
  /** By when there must be an answer, in milliseconds since 1970. */
  readonly deadline: number
  /** It is for a round that somebody asked for: half of the rate, and one place, are kept for those of the market, which has a breaker of its own. */
  readonly requested?: boolean
}

export interface Called {
  readonly result: Result.Result<Turn, ModelError>
  readonly attempts: ReadonlyArray<Attempt>
  readonly breaker: BreakerState
}

/** Asks models within limits. */
export interface ModelCaller {
  /**
   * Asks until there is an answer, it cannot help to ask again, or the time is over. It never fails.
   *
   * 1. A request is sent only after `begin` has succeeded, so that somebody knows of it whatever happens next.
   * 2. No request is under way after the deadline, and no wait goes beyond it.
   * 3. While the model's breaker is open nothing is sent; then one request tries whether it is well again.
   */
  readonly ask: (question: Question, asking: Asking) => Effect.Effect<Called>
}

const MINUTE = "1 minute"
const FIRST_PAUSE_MILLIS = 300
const OPEN_MAX = "5 minutes"
const TURN_GRACE_MILLIS = 50

/** A caller with the limits and breakers of `stores`, for as long as the scope; with those of this process alone unless given. */
export const makeCaller = (
  port: LanguageModel,
  options: CallerOptions,
  stores: Effect.Effect<LimitStores> = localLimits
): Effect.Effect<ModelCaller, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { circuits, rates } = yield* stores
    const breakers = yield* CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(options.failures ?? 5),
      openDuration: Schedule.exponential(options.pause ?? "15 seconds").pipe(
        Schedule.modifyDelay(({ duration }) =>
          Effect.succeed(Duration.min(duration, Duration.fromInputUnsafe(OPEN_MAX)))
        )
      ),
      maxOpenDuration: OPEN_MAX,
      onStoreError: "allow"
    }).pipe(Effect.provideService(CircuitBreaker.CircuitBreakerStore, circuits))
    const limiter = yield* RateLimiter.make.pipe(Effect.provideService(RateLimiter.RateLimiterStore, rates))
    const limits = { breakers, limiter, places: new Map(), told: new Map(), warnings: new ModelWarnings() }
    const caller: ModelCaller = { ask: (question, asking) => ask({ port, options, question, asking, ...limits }) }
    return caller
  })

interface ModelCall {
  readonly port: LanguageModel
  readonly options: CallerOptions
  readonly question: Question
  readonly asking: Asking
  readonly breakers: CircuitBreaker.CircuitBreaker
  readonly limiter: RateLimiter.RateLimiter
  readonly places: Map<string, Semaphore.Semaphore>
  /** What was told of each breaker. */
  readonly told: Map<string, "open" | "closed">
  readonly warnings: ModelWarnings
}

const servedBy = ({ asking }: ModelCall): Served => (asking.requested === true ? "requested" : "market")

const breakerKey = (call: ModelCall): string => limitKey(call.question.model, servedBy(call))

const ask = Effect.fnUntraced(function* (call: ModelCall): Effect.fn.Return<Called> {
  const { model } = call.question
  const attempts: Array<Attempt> = []
  let result: Result.Result<Turn, ModelError> = Result.fail(outOfTime(model))
  const most = call.options.attempts ?? 3
  for (let number = 1; number <= most; number++) {
    // A request ends by itself at the deadline; this ends the wait for a turn.
    const patience = Math.max(0, yield* timeLeft(call)) + TURN_GRACE_MILLIS
    const tried = yield* withPlace(call, attempt(call, number, attempts)).pipe(
      Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(outOfTime(model)) }),
      Effect.result
    )
    // What has run into the end of the time keeps the name of its own last failure.
    result = Result.isFailure(tried) && tried.failure.kind === "out_of_time" && number > 1 ? result : tried
    yield* tellBreaker(call, tried)
    if (number === most || Result.isSuccess(tried) || !CONSEQUENCES[tried.failure.kind].again) break
    const pause = yield* pauseAfter(tried.failure, number)
    if (pause >= (yield* timeLeft(call))) break
    yield* Effect.sleep(pause)
  }
  if (Result.isFailure(result) && result.failure.refuses_tools !== true) yield* countGivenUp(model, result.failure.kind)
  return { result, attempts, breaker: yield* breakerState(call) }
})

/** One request, if the rate and the breaker let it. */
const attempt = (call: ModelCall, number: number, attempts: Array<Attempt>): Effect.Effect<Turn, ModelError> => {
  const { model } = call.question
  const guarded = call.breakers.execute(send(call, number, attempts), {
    key: breakerKey(call),
    classify: (exit) => {
      const error =
        exit._tag === "Failure" ? exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error : undefined
      if (exit._tag === "Success") return CircuitBreaker.success
      const isFault = error !== undefined && error.refuses_tools !== true && CONSEQUENCES[error.kind].trips
      if (!isFault) return CircuitBreaker.ignored
      const { retry_after_ms } = error
      return CircuitBreaker.failure(retry_after_ms === undefined ? {} : { retryAfter: retry_after_ms })
    }
  })
  return Effect.andThen(keepRate(call), guarded).pipe(
    Effect.catchTag("CircuitBreakerError", () => Effect.fail(circuitOpen(model)))
  )
}

/** Waits until the rate allows a request; fails at once where that is after the deadline. */
const keepRate = (call: ModelCall): Effect.Effect<void, ModelError> =>
  keepRateOf(call, limitKey(call.question.model, "all"), rateOf(call))

const rateOf = ({ options }: ModelCall): number => options.callsPerMinute ?? 60

const keepRateOf = (call: ModelCall, key: string, limit: number): Effect.Effect<void, ModelError> =>
  Effect.gen(function* () {
    const { model } = call.question
    while (true) {
      const taken = yield* Effect.result(
        call.limiter.consume({ algorithm: "token-bucket", onExceeded: "fail", window: MINUTE, limit, key })
      )
      if (Result.isSuccess(taken)) return
      const { reason } = taken.failure
      // Who keeps the rate does not answer.
      if (reason._tag !== "RateLimitExceeded") return
      const wait = Math.max(1, Duration.toMillis(reason.retryAfter))
      if (wait >= (yield* timeLeft(call))) {
        return yield* new ModelError({ kind: "out_of_time", detail: `${model}: more than ${limit} calls a minute` })
      }
      yield* Effect.sleep(wait)
    }
  })

const send = (call: ModelCall, number: number, attempts: Array<Attempt>): Effect.Effect<Turn, ModelError> =>
  Effect.gen(function* () {
    const { question, asking, options } = call
    const { model } = question
    if ((yield* timeLeft(call)) <= 0) return yield* outOfTime(model)
    const drawn = yield* Random.nextIntBetween(0, 36 ** 6)
    const call_id = `${asking.key}.${number}-${drawn.toString(36).padStart(6, "0")}`
    const estimated_input_tokens = estimateTokens(question)
    const estimated_cost_usd = costOf(options.prices, model, estimated_input_tokens, 0)
    yield* asking
      .begin({ call_id, model, estimated_input_tokens, estimated_cost_usd })
      .pipe(Effect.mapError((cause) => new ModelError({ kind: "defect", detail: `not begun: ${String(cause)}` })))
    const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout ?? "10 seconds"))
    const left = yield* timeLeft(call)
    const startedAt = yield* Clock.monotonicTimeNanos
    const result = yield* call.port.ask(question).pipe(
      Effect.timeoutOrElse({
        duration: Math.min(timeout, left),
        // A model that is asked late is not to blame for the rest of the time being short.
        orElse: () =>
          Effect.fail(
            left < timeout
              ? outOfTime(model)
              : new ModelError({ kind: "timeout", detail: `${model}: no answer in time` })
          )
      }),
      Effect.result
    )
    const elapsedMillis = Number((yield* Clock.monotonicTimeNanos) - startedAt) / 1e6
    const { input, output } = tokensOf(result)
    const cost = Result.isSuccess(result) ? costOf(options.prices, model, input, output) : null
    const ended: Attempt = { call_id, attempt: number, elapsedMillis, result, cost }
    attempts.push(ended)
    yield* countCall(model, endOf(result), elapsedMillis, { input, output, cost })
    if (Result.isFailure(result)) {
      const { kind, detail } = result.failure
      yield* Effect.logInfo("model call failed", { model, call: call_id, attempt: number, kind, detail })
      yield* call.warnings.failed(model, result.failure)
    }
    yield* asking.ended(ended)
    return yield* Effect.fromResult(result)
  })

const endOf = (result: Result.Result<Turn, ModelError>): "success" | ModelErrorKind =>
  Result.isSuccess(result) ? "success" : result.failure.kind

const tokensOf = (result: Result.Result<Turn, ModelError>) => ({
  input: Result.isSuccess(result) ? (result.success.input_tokens ?? 0) : 0,
  output: Result.isSuccess(result) ? (result.success.output_tokens ?? 0) : 0
})

/** As long as the server asks for, or else 300 ms that double with each try, jittered by half. */
const pauseAfter = ({ retry_after_ms }: ModelError, number: number): Effect.Effect<number> =>
  Effect.map(Random.nextBetween(0.5, 1.5), (jitter) =>
    Math.ceil(Math.max(retry_after_ms ?? 0, FIRST_PAUSE_MILLIS * 2 ** (number - 1) * jitter))
  )

const timeLeft = ({ asking }: ModelCall): Effect.Effect<number> =>
  Effect.map(Clock.currentTimeMillis, (now) => asking.deadline - now)

/** Does it once there is a place for it. What somebody asked for waits for its part of the rate before it takes one. */
const withPlace = <A>(call: ModelCall, effect: Effect.Effect<A, ModelError>): Effect.Effect<A, ModelError> => {
  const { model } = call.question
  const most = call.options.concurrency ?? 4
  const placed = placesOf(call, model, most).withPermits(1)(effect)
  if (call.asking.requested !== true) return placed
  const requested = limitKey(model, "requested")
  const own = placesOf(call, requested, Math.max(1, most - 1)).withPermits(1)(placed)
  return Effect.andThen(keepRateOf(call, requested, Math.max(1, Math.ceil(rateOf(call) / 2))), own)
}

const placesOf = ({ places }: ModelCall, key: string, most: number): Semaphore.Semaphore => {
  const known = places.get(key)
  if (known !== undefined) return known
  const made = Semaphore.makeUnsafe(most)
  places.set(key, made)
  return made
}

const breakerState = (call: ModelCall): Effect.Effect<BreakerState> =>
  call.breakers.state(breakerKey(call)).pipe(
    Effect.map(({ _tag }): BreakerState => (_tag === "Closed" ? "closed" : _tag === "Open" ? "open" : "half_open")),
    Effect.orElseSucceed((): BreakerState => "closed")
  )

/** Shows the breaker as it is, and tells of it where it opened or closed since it was last told of. */
const tellBreaker = Effect.fnUntraced(function* (call: ModelCall, tried: Result.Result<Turn, ModelError>) {
  const { model } = call.question
  const state = yield* breakerState(call)
  const [key, served] = [breakerKey(call), servedBy(call)]
  yield* showBreaker(model, served, state)
  if (state === "half_open" || state === (call.told.get(key) ?? "closed")) return
  call.told.set(key, state)
  const reason = Result.isFailure(tried) ? tried.failure.detail : "it answers again"
  yield* Effect.logInfo("model circuit breaker turned", { model, served, state, reason })
  yield* call.asking.breakerTurned(model, state, reason, served)
})

const outOfTime = (model: ModelName) =>
  new ModelError({ kind: "out_of_time", detail: `${model}: the time for the analysis is over` })

const circuitOpen = (model: ModelName) =>
  new ModelError({ kind: "circuit_open", detail: `${model}: it failed too often lately and is left alone for a while` })
