// `conclave feed`: gives a running system a market to decide on.
import { Console, Effect, Layer, Option, Schedule, Schema } from "effect"
import { Command } from "effect/cli"
import { type Bar, CoordinatorProtocol, events } from "../protocols/index.ts"
import { Actors, ClientLog } from "../runtime/index.ts"
import { configuration, withoutPassword } from "./config.ts"
import { feedMarket, type Market, marketFlags, marketsOf } from "./markets.ts"
import { forFlag, natsFlag } from "./options.ts"
import { requiredUrl } from "./parts.ts"
import { connectClient, namedServer, withParts } from "./server.ts"

const FinalDecision = Schema.Struct({
  type: Schema.Literal(events.agent_coordination.type),
  data: Schema.Struct({ payload: Schema.Struct({ symbol: Schema.String, bar_time: Schema.String }) })
})
const decodeDecision = Schema.decodeUnknownOption(Schema.fromJsonString(FinalDecision))

/** What became of the bars of one market: how many were taken, and how many had a decision of their own. */
class Tally {
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
const countDecisions = (tallies: ReadonlyArray<Tally>) =>
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
const settled = (symbol: string) =>
  Actors.use((actors) => actors.ask(CoordinatorProtocol, symbol, "GetStatus", {})).pipe(
    Effect.repeat({ until: ({ analyzing }) => analyzing === null, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOption(IDLE_PATIENCE),
    Effect.ignore,
    Effect.andThen(Effect.sleep(EVENTS_GRACE))
  )

const feedOne = (market: Market, tally: Tally, intervalMillis: number) =>
  feedMarket(market, { intervalMillis, awaited: "waiting for a node to answer", taken: tally.take }).pipe(
    Effect.flatMap((end) =>
      end === "known" ? Console.log(`${market.symbol}: no bar is newer than that`) : settled(market.symbol)
    )
  )

/** `conclave feed`: for nodes and a gateway that are processes of their own. */
export const feedCommand = Command.make("feed", { ...marketFlags, for: forFlag, nats: natsFlag }, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const config = yield* configuration
      const server = namedServer(yield* requiredUrl(given.nats, config))
      const markets = yield* marketsOf(given)
      const feeding = Effect.gen(function* () {
        const system = yield* Layer.build(connectClient(config, server, "feed"))
        const tallies = markets.map(({ symbol }) => new Tally(symbol))
        yield* countDecisions(tallies).pipe(Effect.provide(system))
        const what = markets.map(({ symbol, from }) => `${symbol} (${from})`).join(", ")
        yield* Console.log(`feeding ${what} to ${withoutPassword(server.url)}; Ctrl-C stops`)
        const all = Effect.forEach(markets, (market, index) => feedOne(market, tallies[index]!, 1_000 / given.speed), {
          concurrency: "unbounded",
          discard: true
        }).pipe(Effect.provide(system))
        const running = Option.isSome(given.for) ? Effect.timeoutOption(all, given.for.value) : all
        const told = Effect.suspend(() => Console.log(tallies.map(({ text }) => text).join("\n")))
        yield* Effect.ensuring(running, told)
      })
      yield* withParts(server, feeding)
    })
  )
).pipe(
  Command.withDescription("Give a running system a market to decide on: the bars of a file, or simulated ones"),
  Command.withExamples([
    { command: "npx conclave feed --csv GOOG.csv --symbol GOOG --speed 5", description: "A file, to its end" },
    { command: "npx conclave feed --symbols ACME,GLOBEX", description: "Simulated markets, until Ctrl-C" }
  ])
)
