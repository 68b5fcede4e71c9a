// `conclave feed`: gives a running system a market to decide on.
import { Console, Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import { namedServer, withParts } from "../../server/index.ts"
import { configuration, withoutPassword } from "../config.ts"
import { feedMarket, type Market, marketFlags, marketsOf } from "../market/markets.ts"
import { forFlag, natsFlag, requiredUrl } from "../options.ts"
import { connectClient } from "./server.ts"
import { countDecisions, DecisionTally, settled } from "./tally.ts"

const feedOne = (market: Market, tally: DecisionTally, intervalMillis: number) =>
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
        const tallies = markets.map(({ symbol }) => new DecisionTally(symbol))
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
