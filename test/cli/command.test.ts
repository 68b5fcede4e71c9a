import { existsSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { AnalysisResult, SYMBOL_RULE } from "../../protocols/index.ts"
import { isAlive } from "../support/alive.ts"
import { conclave, conclaveWith, dataFolder, type Ended, serverOn, start } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"

const ACME = "samples/ACME.csv"
const GOOG = join(import.meta.dirname, "../../../shared/market/GOOG.csv")

const decodeResult = Schema.decodeUnknownSync(Schema.fromJsonString(AnalysisResult))

describe("conclave analyze", () => {
  it.live("gives the same decision, confidence and votes of the same prices, however the symbol is written", () =>
    Effect.gen(function* () {
      const said = yield* analyzeTwice("acme", "--csv", ACME, "--at", "2022-09-30")
      assert.strictEqual(said.symbol, "ACME")
      assert.deepStrictEqual(
        said.votes.map((vote) => vote.agent_id),
        ["market_analyst_ACME", "risk_advisor_ACME", "strategy_optimizer_ACME"]
      )
      assert.deepStrictEqual(said.missing_agents, [])
      const later = decodeResult((yield* conclave("analyze", "ACME", "--csv", ACME, "--json")).stdout)
      assert.notStrictEqual(later.confidence, said.confidence)
    })
  )

  it.live.skipIf(!existsSync(GOOG))("sells in the crash of 2008 and buys in the calm of 2013", () =>
    Effect.gen(function* () {
      const crash = yield* analyzeTwice("GOOG", "--csv", GOOG, "--at", "2008-10-10")
      assert.strictEqual(crash.final_recommendation, "SELL")
      const calm = yield* analyzeTwice("GOOG", "--csv", GOOG, "--at", "2013-02-28")
      assert.strictEqual(calm.final_recommendation, "BUY")
    })
  )

  it.live("refuses words and files that cannot be used", () =>
    refusals([
      [["analyze"], "Missing required argument: symbol (see conclave analyze --help)"],
      [["analyze", "ACME"], "Missing required flag: --csv (see conclave analyze --help)"],
      [["analyze", "*", "--csv", ACME], `<symbol> "*": ${SYMBOL_RULE} (see conclave analyze --help)`],
      [
        ["analyze", "A".repeat(100_000), "--csv", ACME],
        `<symbol> "${"A".repeat(60)}…": ${SYMBOL_RULE} (see conclave analyze --help)`
      ],
      [["analyze", "A", "--csv", "nowhere.csv"], "nowhere.csv: there is no such file"],
      [["analyze", "A", "--csv", "samples"], "samples: it is a folder"],
      [["analyze", "A", "--csv", "/dev/zero"], "/dev/zero: it is a device or pipe, not a file"],
      [["analyze", "A", "--csv", ACME, "--at", "2023-02-30"], `${ACME}: --at "2023-02-30" ${DATE_RULE}`],
      [["analyze", "A", "--csv", ACME, "--at", "2023"], `${ACME}: --at "2023" ${DATE_RULE}`],
      [
        ["analyze", "A", "--csv", ACME, "--at", "2001-01-01"],
        `${ACME}: there are no bars up to 2001-01-01; the first is of 2022-01-03`
      ],
      [
        ["analyze", "A", "--csv", ACME, "--nats", "nats://127.0.0.1:1"],
        "no NATS server answers at nats://127.0.0.1:1: connection refused"
      ]
    ])
  )

  it.live("names the line of a bad row, and the folder for temporary files where that is missing", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "bad.csv")
      writeFileSync(file, "Date,Open,High,Low,Close\n2020-01-01,1,2,0.5,1\n2020-01-02,1,0.4,0.5,0.45\n")
      yield* refusals([
        [
          ["analyze", "A", "--csv", file],
          `${file}: line 3, column high: high is below low: mend the row, or have such rows left out by --skip-bad`
        ]
      ])
      const unusable = yield* conclaveWith({ TMPDIR: "/nowhere" }, "analyze", "A", "--csv", ACME)
      assertRefused(unusable, "the data folder /nowhere cannot be used: no folder can be made there")
    })
  )
})

describe("conclave up, node and gateway", () => {
  it.live("refuse words and variables that cannot be used", () =>
    Effect.gen(function* () {
      // As a process, once: the others are refused by the same code in this one.
      assertRefused(yield* conclave("node"), "NATS_URL=: must be set, or --nats given")
      yield* refusals([
        [["bogus"], 'Unknown subcommand "bogus" for "conclave" (see conclave --help)'],
        [["up", "--speed", "0"], '--speed "0": must be a number above 0 and at most 1000 (see conclave up --help)'],
        [["up", "--for", "ever"], '--for "ever": must be a duration such as 30s, 5m or 1h (see conclave up --help)'],
        [["up", "--port", "70000"], "--port=70000: must be a whole number from 0 to 65535"],
        [["up", "--csv", ACME], `--csv=${ACME}: needs --symbol as well`],
        [["node"], "NATS_URL=: must be set, or --nats given"],
        [["gateway", "--nats", "http://x"], `--nats=http://x: ${URL_RULE}`]
      ])
      const port = yield* endedInProcess({ PORT: "abc" }, "up")
      assertRefused(port, "PORT=abc: must be a whole number from 0 to 65535")
      const lease = yield* endedInProcess({ LEASE_TTL: "x" }, "node", "--nats", "nats://127.0.0.1:1")
      assertRefused(lease, "LEASE_TTL=x: must be a duration from 1 second to 1 minute, such as 5 seconds")
    })
  )

  it.live("say which port is taken, and leave no server", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const port = yield* takenPort
      const ended = yield* conclave("up", "--port", `${port}`, "--data", data)
      assertRefused(ended, `port ${port} on 127.0.0.1 is taken by another program: stop it or choose another port`)
      assert.isUndefined(serverOn(data))
    })
  )

  it.live("say why a data folder cannot be used", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "file")
      writeFileSync(file, "")
      const ended = yield* endedInProcess({}, "up", "--port", "0", "--data", join(file, "data"))
      assertRefused(ended, `the data folder ${file}/data cannot be used: a part of its path is not a folder`)
    })
  )

  it.live("explain themselves when asked to, and without any words", () =>
    Effect.gen(function* () {
      const words = [["--help"], ["up", "--help"], ["analyze", "--help"], ["node", "--help"], ["gateway", "--help"]]
      const all = yield* Effect.forEach(words, (args) => endedInProcess({}, ...args))
      for (const { code, stdout, stderr } of [yield* conclave(), ...all]) {
        assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
        assert.include(stdout, "USAGE")
      }
    })
  )
})

describe("a running system", () => {
  const up = (data: string) =>
    start(["up", "--csv", ACME, "--symbol", "ACME", "--port", "0", "--speed", "20", "--data", data])

  it.live("keeps a second one out of its data folder, and ends with a sentence when its server is killed", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const system = yield* up(data)
      yield* system.says(/HTTP/)
      const second = yield* conclave("up", "--port", "0", "--data", data)
      const choose = "stop that first, or choose another folder"
      assertRefused(second, `the data folder ${data} is in use by process ${system.pid}: ${choose}`)

      process.kill(serverOn(data)!, "SIGKILL")
      const { code, stderr } = yield* system.ended
      const log = join(data, "nats", "server.log")
      const reason = `the NATS server has ended: nats-server was ended by SIGKILL; its log is ${log}`
      assert.strictEqual(code, 1)
      assert.isTrue(stderr.endsWith(`conclave: ${reason}\n`), stderr)
      assert.notMatch(stderr, /^ +at /m)
    })
  )

  it.live("stops in order when its terminal is closed, or its reader has enough", () =>
    Effect.gen(function* () {
      const endings = [(system) => system.signal("SIGHUP"), (system) => system.stopReading] satisfies Array<
        (system: Effect.Success<ReturnType<typeof up>>) => Effect.Effect<void>
      >
      for (const end of endings) {
        const data = yield* dataFolder
        const system = yield* up(data)
        yield* system.says(/ACME {2}/)
        yield* end(system)
        const { code, stderr } = yield* system.ended
        assert.deepStrictEqual({ code, stderr }, { code: 130, stderr: "" })
        assert.isUndefined(serverOn(data))
        assert.isFalse(existsSync(join(data, "lock")))
      }
    })
  )

  it.live("is followed by one that stops the server it left behind, and goes on after its last bar", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const killed = yield* up(data)
      yield* killed.says(/ACME {2}/)
      const orphan = serverOn(data)
      yield* killed.signal("SIGKILL")
      yield* killed.ended
      assert.strictEqual(serverOn(data), orphan)

      const next = yield* up(data)
      yield* next.says(/ACME continues after 2022-\d\d-\d\d/)
      assert.notStrictEqual(serverOn(data), orphan)
      assert.isDefined(serverOn(data))
      assert.isFalse(isAlive(orphan!))
    })
  )
})

const DATE_RULE = "is not a date such as 2013-02-28 or 2018-02-07T15:00"
const URL_RULE = "must be one or more nats:// or tls:// addresses, separated by commas"

/** It failed, said so in one sentence on standard error, and printed nothing for programs to read. */
const assertRefused = (ended: Ended, sentence: string) =>
  assert.deepStrictEqual(ended, { code: 1, stdout: "", stderr: `conclave: ${sentence}\n` })

const refusals = (cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, sentence: string]>) =>
  Effect.forEach(
    cases,
    ([args, sentence]) => Effect.map(endedInProcess({}, ...args), (ended) => assertRefused(ended, sentence)),
    { discard: true }
  )

/** What is said of one analysis, having made it twice, without the ids that are new each time. */
const analyzeTwice = (...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const analysis = conclave("analyze", ...args, "--json")
    const answers = yield* Effect.all([analysis, analysis], { concurrency: 2 })
    const [one, other] = answers.map(({ code, stdout, stderr }) => {
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      const { consensus_id, correlation_id, ...said } = decodeResult(stdout)
      return said
    })
    assert.deepStrictEqual(one, other)
    return one!
  })

const takenPort = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(
  Effect.map((server) => {
    const address = server.address()
    return typeof address === "object" ? (address?.port ?? 0) : 0
  })
)
