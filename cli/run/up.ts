import { Console, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Gateway } from "../../gateway/index.ts"
import type { ExperimentPlan } from "../../protocols/index.ts"
import { ClientLog, LocalNode } from "../../runtime/index.ts"
import { showServers } from "../../runtime/nats/index.ts"
import { openServer, withParts } from "../../server/index.ts"
import { configuration, InvalidSetting, settings } from "../config.ts"
import { feedMarket, type Market, marketFlags, marketsOf } from "../market/markets.ts"
import { dataFlag, forFlag, optionOr, portFlag } from "../options.ts"
import { decisionLine } from "../print.ts"
import { beginExperiment, experimentFlag, planOf } from "./experiment-file.ts"
import { configFlag, extensionOf } from "./extension.ts"
import { showMetrics } from "./metrics.ts"
import { keepRetention } from "./retention.ts"
import { connect } from "./server.ts"
import { nodeName, OPEN, serveActors, serveGateway } from "./system.ts"
import { countDecisions, DecisionTally, settled } from "./tally.ts"

const untilEnd = Flag.Boolean("until-end").pipe(
  Flag.withDescription("Stop once the file has been read and its last bar has been decided on"),
  Flag.withDefault(false)
)

const flags = {
  ...marketFlags,
  untilEnd,
  for: forFlag,
  experiment: experimentFlag,
  config: configFlag,
  port: portFlag,
  data: dataFlag
}

/** `conclave up`: a whole system in one process, with a market to decide on. */
export const up = Command.make("up", flags, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      if (given.untilEnd && Option.isNone(given.csv)) {
        const rule = "needs --csv as well: a simulated market has no end"
        return yield* new InvalidSetting({ variable: "--until-end", value: "true", rule })
      }
      const config = yield* configuration
      const port = yield* optionOr(given.port, "--port", settings.port, config.port)
      const dataDir = yield* optionOr(given.data, "--data", settings.dataFolder, config.dataFolder)
      const markets = yield* marketsOf(given)
      const extension = yield* extensionOf(given.config)
      const experiment = yield* planOf(given.experiment, extension, config)

      const server = yield* openServer(config, config.natsUrl, dataDir)
      const parts = Effect.gen(function* () {
        const system = yield* Layer.build(connect(config, server, "up"))
        const name = nodeName()
        const actors = yield* Layer.build(
          serveActors(name, config, { extension, ...(experiment && { experiment }) })
        ).pipe(Effect.provide(system))
        const { broken } = yield* LocalNode.pipe(Effect.provide(actors))
        if (experiment !== undefined) yield* beginExperiment(experiment).pipe(Effect.provide(system))
        const gateway = yield* Layer.build(
          serveGateway(config, server, { host: config.host, port, outside: false })
        ).pipe(Effect.provide(system))
        const found = yield* Gateway.pipe(Effect.provide(gateway))
        yield* showMetrics(config, { ready: found.ready, more: found.metrics })
        yield* Effect.forkScoped(
          keepRetention(config, server, name, config.natsUrl === undefined ? dataDir : undefined)
        )
        const log = yield* ClientLog.pipe(Effect.provide(system))
        if (server.storage !== undefined) yield* Effect.forkScoped(server.storage.watch(log.check))
        yield* sayHello(found, server.url, config.natsUrl === undefined ? dataDir : undefined, markets, experiment)
        const feeding = feedAll(markets, 1_000 / given.speed, given.untilEnd).pipe(Effect.provide(system))
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
      `  NATS       ${showServers(nats)}`,
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
    const log = yield* ClientLog
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

/** Feeds every market and prints what is decided, until all have ended, or for ever. */
const feedAll = (markets: ReadonlyArray<Market>, intervalMillis: number, untilEnd: boolean) =>
  Effect.gen(function* () {
    yield* printDecisions(Math.min(...markets.map((market) => market.pastUntil)))
    const tallies = markets.map(({ symbol }) => new DecisionTally(symbol))
    yield* countDecisions(tallies)
    const feedOne = (market: Market, index: number) => feedAlone(market, tallies[index]!, intervalMillis, untilEnd)
    yield* Effect.forEach(markets, feedOne, { concurrency: "unbounded", discard: true })
    if (!untilEnd) return yield* Effect.never
  }).pipe(Effect.scoped)

/** One market that cannot go on stops neither the others nor the system. One that was never going to is a mistake of who started it. */
const feedAlone = (market: Market, tally: DecisionTally, intervalMillis: number, untilEnd: boolean) =>
  feedMarket(market, {
    intervalMillis,
    awaited: "waiting for a run that was killed to lose its leases",
    taken: tally.take
  }).pipe(
    Effect.flatMap((end) => tellEnd(market, tally, end, untilEnd)),
    Effect.catch((error) =>
      error._tag === "OtherMarket"
        ? Effect.fail(error)
        : Console.error(`${market.symbol}: the market has stopped: ${error.message}`)
    )
  )

const tellEnd = ({ symbol, from }: Market, tally: DecisionTally, end: "known" | "ended", untilEnd: boolean) =>
  Effect.gen(function* () {
    if (end === "known") {
      return yield* Console.log(`${symbol}: all of ${from} has been read; another --data folder starts afresh`)
    }
    yield* Console.log(
      `${symbol}: the market data has ended; ${untilEnd ? "waiting for its last decision" : "Ctrl-C stops"}`
    )
    yield* settled(symbol)
    yield* Console.log(tally.text)
  })
