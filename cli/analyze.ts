import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Console, Effect, Layer, Option, Schema, type Scope } from "effect"
import { Command, Flag } from "effect/cli"
import { ulid } from "ulid"
import { AnalysisResult, CoordinatorProtocol, toWindow } from "../protocols/index.ts"
import { Actors } from "../runtime/index.ts"
import { configuration } from "./config.ts"
import { type DataFolderUnusable, onDisk } from "./data-folder.ts"
import { barsUntil, readBars } from "./market.ts"
import { natsFlag, natsUrl, symbolArgument } from "./options.ts"
import { analysisText } from "./print.ts"
import { connect, nodeName, openServer, serveActors, withParts } from "./system.ts"

const flags = {
  symbol: symbolArgument,
  csv: Flag.String("csv").pipe(Flag.withDescription("The file of prices"), Flag.withMetavar("FILE")),
  at: Flag.String("at").pipe(
    Flag.withDescription("Use the bars up to this day or time (UTC); all of them unless given"),
    Flag.withMetavar("DATE"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false)),
  nats: natsFlag
}

/** Longer than a round may take. */
const TIMEOUT = "60 seconds"

/** `conclave analyze`: one analysis through the actors, of a running system or of one of its own. */
export const analyze = Command.make("analyze", flags, (given) =>
  Effect.scoped(
    Effect.gen(function* () {
      const config = yield* configuration
      const url = yield* natsUrl(given.nats, config)
      const all = yield* readBars(given.csv)
      const bars = Option.isSome(given.at) ? yield* barsUntil(all, given.at.value, given.csv) : all

      const server = yield* openServer(config, url, url === undefined ? yield* temporaryFolder : "")
      const asked = Effect.gen(function* () {
        const system = yield* Layer.build(connect(config, server, "analyze"))
        if (url === undefined) yield* Layer.build(serveActors(nodeName())).pipe(Effect.provide(system))
        const { ask } = yield* Actors.pipe(Effect.provide(system))
        const correlation_id = ulid()
        const question = { correlation_id, bars: toWindow(bars) }
        const options = { timeout: TIMEOUT, correlationId: correlation_id } as const
        return yield* Effect.raceFirst(
          ask(CoordinatorProtocol, given.symbol, "Analyze", question, options).pipe(Effect.mapError(inWords)),
          server.gone
        )
      })
      const result = yield* withParts(server, asked)
      yield* Console.log(given.json ? JSON.stringify(encode(result), null, 2) : analysisText(result))
    })
  )
).pipe(
  Command.withDescription("Make one analysis of a symbol on the prices of a file, and print the joint decision"),
  Command.withExamples([
    { command: "conclave analyze GOOG --csv GOOG.csv --at 2008-10-10", description: "What the panel says of a day" },
    { command: "conclave analyze GOOG --csv GOOG.csv --json", description: "The same for programs" }
  ])
)

/** A refusal is data and no sentence. */
const inWords = (error: Error | { readonly _tag: string; readonly symbol: string }): Error => {
  if (error instanceof Error) return error
  if (error._tag === "CoordinatorBusy") return new Error(`too many analyses of ${error.symbol} are waiting; try again`)
  return new Error(`the analysis of ${error.symbol} was begun and not heard of again; try again`)
}

const encode = Schema.encodeSync(AnalysisResult)

export const temporaryFolder: Effect.Effect<string, DataFolderUnusable, Scope.Scope> = Effect.acquireRelease(
  onDisk(tmpdir(), () => mkdtempSync(join(tmpdir(), "conclave-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)
