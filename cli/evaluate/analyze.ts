import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Console, Duration, Effect, Layer, Option, Schedule, Schema, type Scope } from "effect"
import { Command, Flag } from "effect/cli"
import { ulid } from "ulid"
import { NO_EXTENSION } from "../../extension/index.ts"
import { AnalysisResult, CoordinatorProtocol, toWindow, WINDOW_BARS_MAX } from "../../protocols/index.ts"
import { Actors, ClientLog } from "../../runtime/index.ts"
import { type DataFolderUnusable, onDisk, openServer, type Server, withParts } from "../../server/index.ts"
import { type Configuration, configuration, InvalidSetting } from "../config.ts"
import { modelSettings, modelTimes } from "../config-models.ts"
import { barsPerYearOf, fileFlags, sourceOf, yearFlags } from "../market/file.ts"
import { readBars } from "../market/market.ts"
import { conversationText, shownEvent } from "../operate/conversation-text.ts"
import { natsFlag, natsUrl, optionOr, symbolArgument } from "../options.ts"
import { analysisText } from "../print.ts"
import { configFlag, extensionOf } from "../run/extension.ts"
import { connect, connectClient } from "../run/server.ts"
import { nodeName, type ServeOptions, serveActors } from "../run/system.ts"

const flags = {
  symbol: symbolArgument,
  csv: Flag.String("csv").pipe(Flag.withDescription("The file of prices"), Flag.withMetavar("FILE")),
  at: Flag.String("at").pipe(
    Flag.withDescription("Use the bars up to this day or time (UTC); all of them unless given"),
    Flag.withMetavar("DATE"),
    Flag.optional
  ),
  model: Flag.String("model").pipe(
    Flag.withDescription(
      "The model of all agents, such as ollama:NAME, or quant; the one of CONCLAVE_MODEL unless given"
    ),
    Flag.withMetavar("MODEL"),
    Flag.optional
  ),
  verbose: Flag.Boolean("verbose").pipe(
    Flag.withDescription("Show what models and tools are asked and answer while it goes on, and what it costs"),
    Flag.withDefault(false)
  ),
  ...fileFlags,
  ...yearFlags,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false)),
  config: configFlag,
  nats: natsFlag
}

const NODES_DECIDE = "cannot be given with a NATS server: the nodes there have models of their own"

const NODES_HAVE = "cannot be given with a NATS server: the nodes there have agents of their own"

/** How much longer than its round an analysis is awaited. */
const MARGIN = "45 seconds"

/** `conclave analyze`: one analysis through the actors, of a running system or of one of its own. */
export const analyze = Command.make("analyze", flags, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const config = yield* configuration
      const url = yield* natsUrl(given.nats, config)
      const model = yield* optionOr(given.model, "--model", modelSettings.model, undefined)
      if (model !== undefined && url !== undefined) {
        return yield* new InvalidSetting({ variable: "--model", value: model, rule: NODES_DECIDE })
      }
      if (Option.isSome(given.config) && url !== undefined) {
        return yield* new InvalidSetting({ variable: "--config", value: given.config.value, rule: NODES_HAVE })
      }
      const extension = url === undefined ? yield* extensionOf(given.config) : NO_EXTENSION
      const { bars, reading } = yield* readBars(given.csv, given, {
        symbol: given.symbol,
        last: WINDOW_BARS_MAX,
        until: Option.isSome(given.at) ? { text: given.at.value, flag: "--at" } : undefined
      })

      const server = yield* openServer(config, url, url === undefined ? yield* temporaryFolder : "")
      const asked = Effect.gen(function* () {
        // Who only asks needs no right to leases.
        const system = yield* Layer.build(
          url === undefined
            ? ownSystem(config, server, { extension, ...(model && { model }) })
            : connectClient(config, server, "analyze")
        )
        // Where there is one JSON object to be printed, everything else goes elsewhere.
        const say = given.json ? Console.error : Console.log
        const shown = yield* showConversation(given.symbol, say).pipe(
          Effect.when(Effect.succeed(given.verbose)),
          Effect.provide(system)
        )
        const { ask } = yield* Actors.pipe(Effect.provide(system))
        const correlation_id = ulid()
        const question = {
          correlation_id,
          bars: toWindow(bars, barsPerYearOf(given, reading)),
          source: sourceOf(reading)
        }
        const { round } = yield* modelTimes
        const options = {
          timeout: Duration.sum(round, Duration.fromInputUnsafe(MARGIN)),
          correlationId: correlation_id
        } as const
        const answer = yield* Effect.raceFirst(
          ask(CoordinatorProtocol, given.symbol, "Analyze", question, options).pipe(Effect.mapError(inWords)),
          server.gone
        )
        if (Option.isSome(shown)) yield* shown.value.decided(answer.consensus_id, answer.votes.length)
        return answer
      })
      const result = yield* withParts(server, asked)
      yield* Console.log(given.json ? JSON.stringify(encode(result), null, 2) : analysisText(result))
    })
  )
).pipe(
  Command.withDescription("Make one analysis of a symbol on the prices of a file, and print the joint decision"),
  Command.withExamples([
    {
      command: "npx conclave analyze ACME --csv samples/ACME.csv --at 2023-05-10",
      description: "What the panel says of a day"
    },
    { command: "npx conclave analyze ACME --csv samples/ACME.csv --json", description: "The same for programs" },
    {
      command: "npx conclave analyze ACME --csv samples/ACME.csv --model ollama:llama3.2 --verbose",
      description: "By a language model, with everything that it asks and says"
    }
  ])
)

const ownSystem = (config: Configuration, server: Server, options: ServeOptions) =>
  serveActors(nodeName(), config, options).pipe(Layer.provideMerge(connect(config, server, "analyze")))

/** How long the last events may take to come after the answer. */
const EVENTS_GRACE = "2 seconds"

/** Prints what happens for a symbol as it happens, until the scope closes. `decided` waits until the decisions of a round are shown. */
const showConversation = (symbol: string, say: (text: string) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const log = yield* ClientLog
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const seen = new Map<string, number>()
    yield* log.watch(">", ({ payload }) => {
      const event = Option.getOrUndefined(shownEvent(payload))
      if (event === undefined || (event.type !== "alert" && !event.data.agent_id.endsWith(`_${symbol}`))) return
      run(say(conversationText(event)))
      const round = event.type === "agent_decision" ? event.data.metadata.consensus_id : undefined
      if (typeof round === "string") seen.set(round, (seen.get(round) ?? 0) + 1)
    })
    return {
      decided: (round: string, count: number) =>
        Effect.sync(() => (seen.get(round) ?? 0) >= count).pipe(
          Effect.repeat({ until: (all) => all, schedule: Schedule.spaced("20 millis") }),
          Effect.timeoutOption(EVENTS_GRACE)
        )
    }
  })

/** A refusal is data and no sentence. */
const inWords = (error: Error | { readonly _tag: string; readonly symbol: string }): Error => {
  if (error instanceof Error) return error
  if (error._tag === "CoordinatorBusy") return new Error(`too many analyses of ${error.symbol} are waiting; try again`)
  if (error._tag === "FutureTime") return new Error(`a bar of ${error.symbol} is later than a date can be`)
  return new Error(`the analysis of ${error.symbol} was begun and not heard of again; try again`)
}

const encode = Schema.encodeSync(AnalysisResult)

export const temporaryFolder: Effect.Effect<string, DataFolderUnusable, Scope.Scope> = Effect.acquireRelease(
  onDisk(tmpdir(), () => mkdtempSync(join(tmpdir(), "conclave-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)
