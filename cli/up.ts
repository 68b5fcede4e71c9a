import { Console, Effect, Layer, Option, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { feed } from "../actors/index.ts"
import { Gateway } from "../gateway/index.ts"
import { type Bar, CoordinatorProtocol, type ExperimentPlan, MarketSymbol } from "../protocols/index.ts"
import { ActorLog, Actors, LocalNode } from "../runtime/index.ts"
import { configuration, InvalidSetting, settings, withoutPassword } from "./config.ts"
import { beginExperiment, experimentFlag, planOf } from "./experiment-file.ts"
import { readBars, SIMULATED_PAST_UNTIL, simulatedBars } from "./market.ts"
import { showMetrics } from "./metrics.ts"
import { dataFlag, forFlag, optionOr, portFlag, symbolFlag, symbolsFlag } from "./options.ts"
import { decisionLine } from "./print.ts"
import { keepRetention } from "./retention.ts"
import { connect, openServer, withParts } from "./server.ts"
import { nodeName, OPEN, serveActors, serveGateway } from "./system.ts"

const flags = {
  csv: Flag.String("csv").pipe(
    Flag.withDescription("Take the market from this file of prices (default: a simulated one)"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  symbol: symbolFlag,
  symbols: symbolsFlag,
  speed: Flag.Finite("speed").pipe(
    Flag.withDescription("Bars per second of each symbol, above 0 and at most 1000 (default: 1)"),
    Flag.filter(
      (speed) => speed > 0 && speed <= 1_000,
      () => "must be a number above 0 and at most 1000"
    ),
    Flag.withDefault(1)
  ),
  for: forFlag,
  experiment: experimentFlag,
  port: portFlag,
  data: dataFlag
}

/** The data folder knows newer bars of the symbol than the file has: they are of another market, and nothing of the file would be read. */
export class OtherMarket extends Schema.TaggedError<OtherMarket>()("OtherMarket", {
  symbol: Schema.String,
  file: Schema.String,
  ends: Schema.String,
  seen: Schema.String
}) {
  override get message() {
    return `${this.file} ends on ${this.ends}, and the data folder has bars of ${this.symbol} up to ${this.seen}, of another market: use another folder with --data, or another name with --symbol`
  }
}

interface Market {
  readonly symbol: string
  readonly bars: Stream.Stream<Bar>
  /** The time of the last bar; none where the market is endless. */
  readonly lastTime: number | undefined
  /** Up to this time it is the past, which nobody wants to read. */
  readonly pastUntil: number
  readonly from: string
}

/** `conclave up`: a whole system in one process, with a market to decide on. */
export const up = Command.make("up", flags, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const config = yield* configuration
      const port = yield* optionOr(given.port, "--port", settings.port, config.port)
      const dataDir = yield* optionOr(given.data, "--data", settings.dataFolder, config.dataFolder)
      const markets = yield* marketsOf(given.csv, given.symbol, given.symbols)
      const experiment = yield* planOf(given.experiment)

      const server = yield* openServer(config, config.natsUrl, dataDir)
      const parts = Effect.gen(function* () {
        const system = yield* Layer.build(connect(config, server, "up"))
        const name = nodeName()
        const actors = yield* Layer.build(serveActors(name, config, experiment && { experiment })).pipe(
          Effect.provide(system)
        )
        const { broken } = yield* LocalNode.pipe(Effect.provide(actors))
        if (experiment !== undefined) yield* beginExperiment(experiment).pipe(Effect.provide(system))
        yield* showMetrics(config)
        const gateway = yield* Layer.build(serveGateway(config, server, { host: config.host, port })).pipe(
          Effect.provide(system)
        )
        const found = yield* Gateway.pipe(Effect.provide(gateway))
        yield* Effect.forkScoped(
          keepRetention(config, server, name, config.natsUrl === undefined ? dataDir : undefined)
        )
        yield* sayHello(found, server.url, config.natsUrl === undefined ? dataDir : undefined, markets, experiment)
        const feeding = feedAll(markets, 1_000 / given.speed).pipe(Effect.provide(system))
        const running = Effect.raceAllFirst([feeding, server.gone, broken])
        const ending = Option.isSome(given.for) ? Effect.timeoutOption(running, given.for.value) : running
        yield* ending.pipe(Effect.ensuring(Console.log("\nstopping")))
      })
      yield* withParts(server, parts)
    })
  ).pipe(
    Effect.andThen(Console.log("stopped")),
    Effect.onInterrupt(() => Console.log("stopped"))
  )
).pipe(
  Command.withDescription("Run a whole system: NATS, the actors, the gateway, and a market to decide on"),
  Command.withExamples([
    { command: "npx conclave up", description: "A simulated market, until Ctrl-C" },
    {
      command: "npx conclave up --csv samples/ACME.csv --symbol ACME --speed 20",
      description: "The prices of a file, 20 bars a second"
    }
  ])
)

const isSymbol = Schema.is(MarketSymbol)

const marketsOf = (
  csv: Option.Option<string>,
  symbol: Option.Option<string>,
  symbols: string
): Effect.Effect<ReadonlyArray<Market>, Error> =>
  Effect.gen(function* () {
    if (Option.isSome(csv)) {
      if (Option.isNone(symbol)) {
        return yield* new InvalidSetting({ variable: "--csv", value: csv.value, rule: "needs --symbol as well" })
      }
      const bars = yield* readBars(csv.value)
      const lastTime = bars.at(-1)?.time
      return [{ symbol: symbol.value, bars: Stream.fromIterable(bars), lastTime, pastUntil: 0, from: csv.value }]
    }
    const named = Option.isSome(symbol) ? [symbol.value] : symbols.split(",").map((text) => text.trim().toUpperCase())
    const bad = named.map((each) => ({ each, sound: isSymbol(each) })).find(({ sound }) => !sound)?.each
    if (bad !== undefined) {
      const rule = "must be symbols separated by commas, each 1 to 32 of A-Z 0-9 _ / : = ^ -"
      return yield* new InvalidSetting({ variable: "--symbols", value: bad.slice(0, 40), rule })
    }
    return [...new Set(named)].map((each) => ({
      symbol: each,
      bars: simulatedBars(each),
      lastTime: undefined,
      pastUntil: SIMULATED_PAST_UNTIL,
      from: "simulated"
    }))
  })

const sayHello = (
  { url, open }: Gateway["Service"],
  nats: string,
  dataDir: string | undefined,
  markets: ReadonlyArray<Market>,
  experiment: ExperimentPlan | undefined
) =>
  Console.log(
    [
      "Conclave is running. Ctrl-C stops it.",
      "",
      `  WebSocket  ${url.replace("http", "ws")}/ws`,
      `  HTTP       ${url}/api/v1`,
      ...(open ? [`  access     ${OPEN}`] : []),
      `  NATS       ${withoutPassword(nats)}`,
      ...(dataDir === undefined ? [] : [`  data       ${dataDir}`]),
      `  market     ${markets.map(({ symbol, from }) => `${symbol} (${from})`).join(", ")}`,
      ...(experiment === undefined ? [] : [`  experiment ${experimentText(experiment)}`]),
      ""
    ].join("\n")
  )

const experimentText = ({ name, arms }: ExperimentPlan) => `${name}: A ${arms.a.label}, B ${arms.b.label}`

/** Prints every joint decision as it is published. */
const printDecisions = (pastUntil: number) =>
  Effect.gen(function* () {
    const log = yield* ActorLog
    const run = Effect.runForkWith(yield* Effect.context<never>())
    yield* log.watch("coordination.final_decision.*", (event) => {
      const line = Effect.try(() => decisionLine(JSON.parse(event.payload), pastUntil))
      run(
        line.pipe(
          Effect.flatMap((text) => (text === undefined ? Effect.void : Console.log(text))),
          Effect.catch((error) => Effect.logWarning("decision not shown", { reason: String(error) }))
        )
      )
    })
  })

/** Feeds every market and prints what is decided, for ever. */
const feedAll = (markets: ReadonlyArray<Market>, intervalMillis: number) =>
  Effect.gen(function* () {
    yield* printDecisions(Math.min(...markets.map((market) => market.pastUntil)))
    yield* Effect.forEach(markets, (market) => feedAlone(market, intervalMillis), {
      concurrency: "unbounded",
      discard: true
    })
    return yield* Effect.never
  }).pipe(Effect.scoped)

/** One market that cannot go on stops neither the others nor the system. One that was never going to is a mistake of who started it. */
const feedAlone = (market: Market, intervalMillis: number) =>
  feedMarket(market, intervalMillis).pipe(
    Effect.catch((error) =>
      error._tag === "OtherMarket"
        ? Effect.fail(error)
        : Console.error(`${market.symbol}: the market has stopped: ${error.message}`)
    )
  )

const feedMarket = ({ symbol, bars, lastTime, pastUntil, from }: Market, intervalMillis: number) =>
  Effect.gen(function* () {
    const actors = yield* Actors
    const asked = actors.ask(CoordinatorProtocol, symbol, "GetStatus", {}, { timeout: "90 seconds" })
    const { last_bar_time: seen } = yield* Effect.raceFirst(asked, Effect.delay(stillHeld(symbol), "2 seconds"))
    const stands = seen === null ? undefined : standOf(seen, lastTime)
    if (stands === "behind")
      return yield* new OtherMarket({ symbol, file: from, ends: dayOf(lastTime), seen: dayOf(seen) })
    if (seen !== null) yield* Console.log(`${symbol} continues after ${dayOf(seen)}`)
    if (stands === "ended") {
      return yield* Console.log(`${symbol}: all of ${from} has been read; another --data folder starts afresh`)
    }
    // A simulated market has a past: without it the panel would have nothing to say for its first fifty bars.
    const past = Stream.takeWhile(bars, (bar) => bar.time < pastUntil)
    if (pastUntil > 0) yield* feed({ symbol, bars: past, intervalMillis: 0 })
    yield* feed({ symbol, bars, intervalMillis })
    yield* Console.log(`${symbol}: the market data has ended; Ctrl-C stops`)
  })

/** Where a file of prices stands beside the last bar that is known: it was read to its end, or it ends before that. */
const standOf = (seen: number, lastTime: number | undefined): "behind" | "ended" | undefined => {
  if (lastTime === undefined || lastTime > seen) return undefined
  return lastTime === seen ? "ended" : "behind"
}

const dayOf = (time: number | undefined | null): string => new Date(time ?? 0).toISOString().slice(0, 10)

/** A run that was killed keeps its actors until its leases end. */
const stillHeld = (symbol: string) =>
  Effect.andThen(Console.log(`${symbol}: waiting for a run that was killed to lose its leases`), Effect.never)
