// What became of the bars of a market that is fed.
import { Effect, Option, Schedule, Schema } from "effect"
import { type Bar, CoordinatorProtocol, events } from "../../protocols/index.ts"
import { Actors, ClientLog } from "../../runtime/index.ts"

const FinalDecision = Schema.Struct({
  type: Schema.Literal(events.agent_coordination.type),
  data: Schema.Struct({ payload: Schema.Struct({ symbol: Schema.String, bar_time: Schema.String }) })
})
const decodeDecision = Schema.decodeUnknownOption(Schema.fromJsonString(FinalDecision))

/** What became of the bars of one market: how many were taken, and how many had a decision of their own. */
export class DecisionTally {
  readonly symbol: string
  #taken = 0
  #decided = 0
  /** In milliseconds since 1970. */
  #firstTime = Number.POSITIVE_INFINITY
  #decidedTime = Number.NEGATIVE_INFINITY

  constructor(symbol: string) {
    this.symbol = symbol
  }

  readonly take = ({ time }: Bar): void => {
    this.#firstTime = Math.min(this.#firstTime, time)
    this.#taken++
  }

  /** Bars of one symbol are decided on in their order; an analysis that somebody asked for may be of the same bar again. */
  decide(time: number): void {
    if (time <= this.#decidedTime) return
    this.#decidedTime = time
    if (time >= this.#firstTime) this.#decided++
  }

  get text(): string {
    const conflated = Math.max(0, this.#taken - this.#decided)
    const rest = conflated === 0 ? "" : `; ${conflated} came while one was being made, and are part of the next`
    return `${this.symbol}: ${this.#taken} bars taken, ${this.#decided} joint decisions${rest}`
  }
}

/** Counts the decisions on each market from now on, until the scope closes. */
export const countDecisions = (tallies: ReadonlyArray<DecisionTally>) =>
  Effect.gen(function* () {
    const log = yield* ClientLog
    const bySymbol = new Map(tallies.map((tally) => [tally.symbol, tally]))
    yield* log.watch("coordination.final_decision.*", ({ payload }) => {
      const decision = Option.getOrUndefined(decodeDecision(payload))?.data.payload
      if (decision !== undefined) bySymbol.get(decision.symbol)?.decide(Date.parse(decision.bar_time))
    })
  })

const IDLE_PATIENCE = "30 seconds"
/** Events come a moment after what they tell of. */
const EVENTS_GRACE = "500 millis"

/** Waits until the last bar has been decided on. */
export const settled = (symbol: string) =>
  Actors.use((actors) => actors.ask(CoordinatorProtocol, symbol, "GetStatus", {})).pipe(
    Effect.repeat({ until: ({ analyzing }) => analyzing === null, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOption(IDLE_PATIENCE),
    Effect.ignore,
    Effect.andThen(Effect.sleep(EVENTS_GRACE))
  )
