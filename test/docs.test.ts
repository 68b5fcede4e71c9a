// README.md and the guides, followed line after line on one running system.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schema } from "effect"
import { Actors } from "../runtime/index.ts"
import { layerNatsClient } from "../runtime/nats/index.ts"
import { runningServer } from "../server/nats-server.ts"
import { findNatsServer } from "../setup/nats-server.mjs"
import { dataFolder, ROOT } from "./support/command.ts"
import { BLOCKS, type Block } from "./support/docs.ts"
import { LONG } from "./support/docs-long.ts"
import { freePorts } from "./support/free-ports.ts"
import { commandPaths } from "./support/in-process.ts"
import { openShell, type Shell } from "./support/shell.ts"

/** Commands that are not typed here, and where they are run instead. */
const ELSEWHERE: ReadonlyArray<readonly [start: string, why: string]> = [
  ["npm start", "the system that all this is typed at; npm's own part in test/cli/npx.test.ts"],
  ["npm test", "this is it"],
  ["npm run build", "test/long/packages.test.ts"],
  ["npm run pack", "test/long/packages.test.ts"],
  ["npm install ./dist", "test/long/packages.test.ts"],
  ["npx conclave init", "test/long/packages.test.ts"],
  ["ollama pull", "fetches a model of several gigabytes"],
  ...LONG.map((start) => [start, "npm run docs:long"] as const)
]

/** Blocks that show something and are not to be typed: how they begin, and what they are. */
const SHOWN: ReadonlyArray<readonly [file: string, start: string, what: string]> = [
  ["README.md", '{"type":"subscribed"', "frames"],
  ["README.md", "const { runs, messages } = simulate({", "a part of docs/SIMULATION.md, which is run: see below"],
  ["docs/BACKTEST.md", "GOOG, 2020 bars", "output"],
  ["docs/CONSENSUS.md", "01HNZX8JGFACFA36RBXDHEQN6E differs", "output"],
  ["docs/GATEWAY.md", "< ", "frames"],
  ["docs/GATEWAY.md", "> ", "frames"],
  ["docs/GATEWAY.md", '{ "sub": "ada"', "claims of a token: test/gateway/auth.test.ts"],
  ["docs/GATEWAY.md", '[{ "name": "desk-7"', "a file of keys: test/gateway/auth.test.ts"],
  ["docs/GATEWAY.md", "upstream gateway", "configuration of nginx"],
  ["docs/MARKET.md", "                                 stock, days", "output"],
  ["docs/MODELS.md", "ollama:gemma2", "output"],
  ["docs/PERFORMANCE.md", "Tells, until", "output"],
  ["docs/PERFORMANCE.md", "Consensus: ", "output"],
  ["docs/REPLAY.md", "20206 ", "output"],
  ["docs/REPLAY.md", "  again ", "output"],
  ["docs/SIMULATION.md", "SimulationFailed", "output"]
]

/** Programs that stand in test/readme.test.ts, which runs them. */
const PROGRAMS = ["README.md", "docs/RUNTIME.md", "docs/SIMULATION.md"]

/** What goes on until it is stopped, and what it says once it works. */
const SERVING: ReadonlyArray<readonly [RegExp, RegExp]> = [
  [/npx conclave (up|node|gateway|feed)\b/, /Ctrl-C/],
  [/nats-server -c/, /Server is ready/],
  [/curl -N/, /"type":"market_update"/],
  [/npx node watch\.mjs/, /"type":"agent_decision"/],
  [/npx node client\.ts/, /(BUY|SELL|HOLD)/]
]

/** Files that the guides have their reader save. */
const FILES: ReadonlyArray<readonly [file: string, start: string, name: string, run: string | undefined]> = [
  ["README.md", "const socket = new WebSocket", "watch.mjs", "npx node watch.mjs"],
  ["docs/GATEWAY.md", "import { GatewayClient }", "client.ts", "npx node client.ts"],
  ["README.md", "import { AgentSystem }", "live.mjs", "npx node live.mjs"],
  ["docs/SYSTEM.md", "import { AgentSystem }", "system.mjs", "npx node system.mjs"],
  ["docs/SYSTEM.md", "import { Effect, Stream }", "layer.ts", "npx node layer.ts"],
  ["docs/MODELS.md", '{ "anthropic:NAME"', "prices.json", undefined],
  ["docs/LEARNING.md", "{", "experiment.json", "npx conclave up --experiment experiment.json --data data-experiment"],
  [
    "docs/EXTENDING.md",
    "import { defineAgent",
    "my.config.ts",
    "npx conclave analyze ACME --csv samples/ACME.csv --config my.config.ts"
  ],
  ["docs/REPLAY.md", "import { readFileSync }", "replay.ts", "npx node replay.ts"]
]

const servedBy = (line: string) => SERVING.find(([pattern]) => pattern.test(line))?.[1]
const starts = (block: Block, start: string) => block.lines[0]?.startsWith(start) === true
const elsewhere = (command: string) => ELSEWHERE.some(([start]) => command.startsWith(start))
const fileOf = (block: Block) => FILES.find(([file, start]) => file === block.file && starts(block, start))

/** What is to be typed of a block, in order. */
const linesOf = (block: Block): ReadonlyArray<string> => {
  const run = fileOf(block)?.[3]
  return run === undefined ? block.commands.filter((command) => !elsewhere(command)) : [run]
}

describe("README.md and docs/", () => {
  it("have no block that is neither run nor listed with what it is", () => {
    const unknown = BLOCKS.filter(
      (block) =>
        block.commands.length === 0 &&
        fileOf(block) === undefined &&
        !(block.language === "ts" && PROGRAMS.includes(block.file)) &&
        !SHOWN.some(([file, start]) => file === block.file && starts(block, start))
    )
    assert.deepStrictEqual(
      unknown.map(({ file, lines }) => `${file}: ${lines[0]}`),
      []
    )
  })

  it("list nothing that is not there", () => {
    const gone = SHOWN.filter(([file, start]) => !BLOCKS.some((block) => block.file === file && starts(block, start)))
    const commands = BLOCKS.flatMap((block) => block.commands)
    const unused = ELSEWHERE.filter(([start]) => !commands.some((command) => command.startsWith(start)))
    const lost = FILES.filter(([file, start]) => !BLOCKS.some((block) => block.file === file && starts(block, start)))
    assert.deepStrictEqual([gone, unused, lost], [[], [], []])
  })

  it("show of the test kit what its guide runs", () => {
    const part = BLOCKS.find((block) => starts(block, "const { runs, messages } = simulate({"))
    assert.include(readFileSync(join(ROOT, "docs", "SIMULATION.md"), "utf8"), part?.lines.join("\n") ?? "none")
  })

  it.live("write the command in one way", () =>
    Effect.gen(function* () {
      const names = new Set((yield* commandPaths).map((path) => path.split(" ")[0]))
      const bare = BLOCKS.flatMap(({ file, language, lines }) =>
        lines
          .filter((line) => /^(\$ )?conclave (\S+)/.test(line) && names.has(/conclave (\S+)/.exec(line)?.[1] ?? ""))
          .map((line) => `${file} ${language}: ${line}`)
      )
      assert.deepStrictEqual(bare, [])
    })
  )

  it.live(
    "can be followed line after line",
    () =>
      Effect.gen(function* () {
        const shell = yield* openShell
        const system = yield* startSystem(shell)
        const isNew = once()
        for (const [file, start, name] of FILES) {
          const block = BLOCKS.find((each) => each.file === file && starts(each, start))
          writeFileSync(join(shell.folder, name), system.adapt(`${block?.lines.join("\n")}\n`))
        }
        const follow = (file: string) =>
          followFile(
            shell,
            system,
            BLOCKS.filter((block) => block.file === file),
            isNew
          )
        // Others pause and switch what the first steps ask.
        yield* follow("README.md")
        const rest = [...new Set(BLOCKS.map(({ file }) => file))].filter((file) => file !== "README.md")
        yield* Effect.forEach(rest, follow, { concurrency: 3, discard: true })
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    300_000
  )
})

interface System {
  /** A text of the guides with the addresses and names of this system. */
  readonly adapt: (text: string) => string
  readonly env: Readonly<Record<string, string>>
}

/** Each line that comes to an end is typed once, wherever it stands again. */
const once = () => {
  const typed = new Set<string>()
  return (line: string) => {
    const bare = line.replace(/ +#.*$/, "")
    if (typed.has(bare)) return false
    typed.add(bare)
    return true
  }
}

const followFile = (
  shell: Shell,
  { adapt, env }: System,
  blocks: ReadonlyArray<Block>,
  isNew: (line: string) => boolean
) =>
  Effect.scoped(
    Effect.forEach(
      blocks.flatMap((block) =>
        linesOf(block)
          .filter((line) => servedBy(line) !== undefined || isNew(line))
          .map((line) => [block.file, line] as const)
      ),
      ([file, line]) =>
        Effect.gen(function* () {
          const until = servedBy(line)
          if (until !== undefined) {
            const own = { ...env, CONCLAVE_DATA: join(shell.folder, `data-${Math.random()}`), PORT: "0" }
            const served = Effect.asVoid(shell.serve(adapt(line), until, line.includes("npx node") ? env : own))
            // Servers and nodes are there for the lines that follow; a whole system is not.
            return yield* /nats-server|conclave node/.test(line) ? served : Effect.scoped(served)
          }
          const { code, output } = yield* shell.type(adapt(line), env)
          assert.strictEqual(code, 0, `${file}: ${line}\n${output}`)
          assert.notStrictEqual(output.trim(), "", `${file}: ${line} says nothing`)
        }),
      { discard: true }
    )
  )

const Started = Schema.fromJsonString(Schema.Struct({ consensus_id: Schema.String }))
const Letters = Schema.fromJsonString(Schema.Array(Schema.Struct({ sequence: Schema.Int })))

/** As `coordinator`, with whatever one likes in its messages. */
const Loose = { type: "coordinator", messages: { Bar: { payload: Schema.Unknown } } } as const
const UNREADABLE = { bar: { time: "yesterday", open: 41.2, high: 41.9, low: 40.8, close: 41.5, volume: 1000 } }

/** The system of `npm start`, with decisions, an experiment's file, and messages that could not be processed. */
const startSystem = (shell: Shell) =>
  Effect.gen(function* () {
    const data = yield* dataFolder
    const [port = 0, nats = 0, monitor = 0] = yield* freePorts(3)
    const env = { CONCLAVE_DATA: data, PORT: String(port), OLLAMA_BASE_URL: "http://127.0.0.1:1", LOG_LEVEL: "Error" }
    yield* shell.serve("npx conclave up --speed 0.5", /(?:\n\S+ +(ACME|GLOBEX|INITECH) .*){3}/, env)
    const url = (yield* runningServer(data)) ?? ""
    const analyzed = yield* shell.type(
      `curl -s http://127.0.0.1:${port}/api/v1/agents/analyze -H 'content-type: application/json' -d '{"symbol":"ACME"}'`
    )
    const { consensus_id } = yield* Schema.decodeUnknownEffect(Started)(analyzed.output)
    yield* Effect.gen(function* () {
      const { tell } = yield* Actors
      for (const symbol of ["ACME", "ACME", "GLOBEX"]) yield* tell(Loose, symbol, "Bar", UNREADABLE)
    }).pipe(
      Effect.provide(layerNatsClient({ url, namespace: "conclave", name: "spoiler" }).pipe(Layer.orDie)),
      Effect.scoped
    )
    const listed = yield* shell.type("npx conclave dead list --json", env)
    const [letter] = yield* Schema.decodeUnknownEffect(Letters)(listed.output)
    const { path } = findNatsServer({ name: process.env.NATS_SERVER })
    const conf = readFileSync(join(ROOT, "nats.conf"), "utf8")
    const adapt = (text: string) =>
      text
        .replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`)
        .replaceAll("127.0.0.1:4222", `127.0.0.1:${nats}`)
        .replaceAll("127.0.0.1:8222", `127.0.0.1:${monitor}`)
        .replaceAll(/--port 80\d\d/g, "--port 0")
        .replaceAll(/127\.0\.0\.1:36027/g, "127.0.0.1:1")
        .replaceAll(".cache/nats-server/nats-server", path ?? "nats-server")
        .replaceAll(/\b01[0-9A-HJKMNP-TV-Z]{24}\b/g, consensus_id)
        .replaceAll(/\bdead show \d+/g, `dead show ${letter?.sequence}`)
    writeFileSync(join(shell.folder, "nats.conf"), adapt(conf))
    return { adapt, env } satisfies System
  })
