import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Logger, Redacted } from "effect"
import { fromRecord } from "../../cli/config.ts"
import { modelConfiguration, modelSettings, modelSettingsTable, warnOfOnePlace } from "../../cli/config-models.ts"
import { conclaveWith } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"
import { decisionText } from "../support/model-servers/decisions.ts"
import { modelServer, nobody } from "../support/model-servers/server.ts"
import { temporaryFolder } from "../support/nats.ts"

const KEY = "sk-ant-secret-0815"
const STEERING = "\u001b\u009b\u202e\u200b\u0007"
const ROOT = join(import.meta.dirname, "../..")
const CSV = join(ROOT, "samples/ACME.csv")
const read = (env: Record<string, string>) => modelConfiguration().pipe(Effect.provide(fromRecord(env)))
const complaint = (env: Record<string, string>) => Effect.map(Effect.flip(read(env)), ({ message }) => message)

describe("the settings of models", () => {
  it.effect("ask no model unless they say so", () =>
    Effect.gen(function* () {
      const { models, timeout = 0, budget = 0, ...rest } = yield* read({})
      assert.deepStrictEqual([...new Set(models.values())], ["quant"])
      assert.deepStrictEqual(
        [timeout, budget].map((time) => Duration.toMillis(time)),
        [10_000, 12_000]
      )
      assert.deepStrictEqual(rest.providers.ollama, { baseUrl: "http://127.0.0.1:11434" })
      assert.deepStrictEqual([rest.callsPerMinute, rest.concurrency, rest.prices], [60, 4, {}])
    })
  )

  it.effect("choose one for all, or one for an agent type; a key is read and not shown", () =>
    Effect.gen(function* () {
      const { models, providers } = yield* read({
        CONCLAVE_MODEL: "anthropic:claude-test",
        CONCLAVE_MODEL_RISK_ADVISOR: "ollama:llama3.2:3b",
        CONCLAVE_MODEL_STRATEGY_OPTIMIZER: "quant",
        ANTHROPIC_API_KEY: KEY
      })
      assert.deepInclude(Object.fromEntries(models), {
        market_analyst: "anthropic:claude-test",
        risk_advisor: "ollama:llama3.2:3b",
        strategy_optimizer: "quant"
      })
      assert.strictEqual(Redacted.value(providers.anthropic.key ?? Redacted.make("")), KEY)
      assert.notInclude(JSON.stringify(providers) + String(providers.anthropic.key), KEY)
    })
  )

  it.effect("say at the start that one place for requests leaves none to the market", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const capture = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
      const start = (env: Record<string, string>) =>
        Effect.flatMap(read(env), warnOfOnePlace).pipe(Effect.provide(capture))
      yield* start({ MODEL_CONCURRENCY: "1" })
      yield* start({ MODEL_CONCURRENCY: "2", CONCLAVE_MODEL: "ollama:llama3.1" })
      assert.deepStrictEqual(lines, [])
      yield* start({ MODEL_CONCURRENCY: "1", CONCLAVE_MODEL_RISK_ADVISOR: "ollama:llama3.1" })
      assert.match(lines.join(), /none is kept for the market/)
    })
  )

  it.effect("say which variable is wrong and why, and never a key", () =>
    Effect.gen(function* () {
      assert.match(yield* complaint({ CONCLAVE_MODEL: "gpt-4" }), /^CONCLAVE_MODEL=gpt-4: must be quant, ollama:NAME/)
      assert.strictEqual(
        yield* complaint({ CONCLAVE_MODEL_COMPREHENSIVE: "perplexity:sonar" }),
        "PERPLEXITY_API_KEY=: must be set for models of perplexity"
      )
      assert.strictEqual(
        yield* complaint({ ANTHROPIC_API_KEY: "sk ant" }),
        "ANTHROPIC_API_KEY=***: must be 8 characters or more, without spaces"
      )
      assert.match(yield* complaint({ OLLAMA_BASE_URL: "http://me:pw@host" }), /without a user name$/)
      assert.match(yield* complaint({ MODEL_PRICES: "/no/such/file" }), /must be a JSON file/)
      assert.match(yield* complaint({ CONCLAVE_MODEL_TRAFFIC: "keep:/tmp" }), /must be record:FOLDER or replay:FOLDER/)
      assert.match(yield* complaint({ MODEL_BUDGET: "1 hour" }), /must be a duration/)
    })
  )

  it("stand in docs/SETTINGS.md as the command reads them", () => {
    assert.include(readFileSync(join(ROOT, "docs/SETTINGS.md"), "utf8"), modelSettingsTable())
    const variables = Object.values(modelSettings).map(({ variable }) => variable)
    assert.strictEqual(new Set(variables).size, variables.length)
  })
})

/** A model that asks for a tool first. */
const script = ({ body }: { readonly body: unknown }) =>
  JSON.stringify(body).includes('"role":"tool"')
    ? ({ does: "say", text: decisionText("SELL", 0.7) } as const)
    : ({ does: "say", tools: [{ name: "rsi", input: { period: 14 } }] } as const)

describe("the time of a model", () => {
  const times = (env: Record<string, string>) =>
    Effect.map(read(env), ({ timeout = 0, budget = 0, round = 0 }) =>
      [timeout, budget, round].map((time) => Duration.toSeconds(time))
    )

  it.effect("lengthens its rounds, or is refused", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* times({}), [10, 12, 15])
      assert.deepStrictEqual(yield* times({ MODEL_TIMEOUT: "60 seconds", MODEL_BUDGET: "90 seconds" }), [60, 90, 93])
      assert.deepStrictEqual(yield* times({ MODEL_TIMEOUT: "60 seconds" }), [60, 62, 65])
      assert.deepStrictEqual(yield* times({ MODEL_BUDGET: "2 seconds" }), [2, 2, 15])
      assert.strictEqual(
        yield* complaint({ MODEL_TIMEOUT: "60 seconds", MODEL_BUDGET: "30 seconds" }),
        "MODEL_TIMEOUT=1m: must be no longer than MODEL_BUDGET, which is 30s: it would be cut off then"
      )
    })
  )

  it.effect("goes with what Ollama has to keep in mind, where that is set", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* read({ OLLAMA_CONTEXT: "16384" })).providers.ollama.context, 16_384)
      assert.match(yield* complaint({ OLLAMA_CONTEXT: "7" }), /must be a whole number from 2048/)
    })
  )
})

describe("conclave models check", () => {
  it.live("says what a model can do, and what it cannot with what to do about it", () =>
    Effect.gen(function* () {
      const server = yield* modelServer((received) => {
        if (received.model === "none") return { does: "fail", status: 404, message: "model 'none' not found" }
        if (received.model === "plain" && received.text.includes('"tools"')) {
          return { does: "fail", status: 400, message: "plain does not support tools" }
        }
        return received.model === "plain" ? { does: "say", text: decisionText("BUY", 0.6) } : script(received)
      })
      const env = { OLLAMA_BASE_URL: server.url, CONCLAVE_MODEL_RISK_ADVISOR: "ollama:llama3.2" }
      const configured = yield* conclaveWith(env, "models", "check")
      assert.strictEqual(configured.code, 0, configured.stderr)
      for (const line of [
        /^ollama:llama3\.2$/m,
        /turn 2 {3}\d+ ms, 1000 tokens in, 50 out/,
        /tools {4}used: rsi/,
        /decides {2}SELL 0\.70/
      ]) {
        assert.match(configured.stdout, line)
      }
      const checkHere = (...words: ReadonlyArray<string>) => endedInProcess(env, "models", "check", ...words)
      const plain = yield* checkHere("ollama:plain")
      assert.match(plain.stdout, /tools {4}refused\n {2}habit {4}no tools at all/)
      assert.match(plain.stdout, /decides {2}BUY 0\.60/)
      const none = yield* checkHere("ollama:none", "--json")
      assert.strictEqual(none.code, 1)
      assert.include(none.stdout, "Fetch it with `ollama pull none`")
      assert.include(none.stderr, "ollama:none: no decision")
      const nothing = yield* endedInProcess({}, "models", "check")
      assert.include(nothing.stderr, "no model is configured")
    }).pipe(Effect.scoped)
  )
})

describe("conclave analyze with a model", () => {
  it.live(
    "shows the conversation, the tools and the cost; recorded once, it is decided again without the model",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const prices = join(folder, "prices.json")
        writeFileSync(prices, '{"ollama:*":{"input":1,"output":2}}')
        const server = yield* modelServer(script)
        const env = { OLLAMA_BASE_URL: server.url, MODEL_PRICES: prices }
        const traffic = join(folder, "traffic")
        const words = ["analyze", "ACME", "--csv", CSV, "--model", "ollama:llama3.2", "--verbose"]
        const live = yield* conclaveWith({ ...env, CONCLAVE_MODEL_TRAFFIC: `record:${traffic}` }, ...words)
        assert.strictEqual(live.code, 0, live.stderr)
        for (const line of [
          /market_analyst → ollama:llama3\.2, turn 1: success in \d+ ms, 1000 tokens in, 50 out, \$0\.001100/,
          /asks for rsi \{"period":14\}/,
          /market_analyst_ACME rsi: success in [\d.]+ ms: \{"rsi":/,
          /says \{"decision":"SELL"/,
          /market_analyst decides SELL 0\.70 by ollama:llama3\.2; 2 calls, 2000 tokens in, 100 out, \$0\.002200/,
          /ACME: SELL 0\.70 by consensus/
        ]) {
          assert.match(live.stdout, line)
        }
        assert.lengthOf(server.received, 6)
        for (const { body } of server.received)
          assert.include(JSON.stringify(body), "more than 0.5% higher 1 day later")
        const again = yield* conclaveWith({ ...env, CONCLAVE_MODEL_TRAFFIC: `replay:${traffic}` }, ...words)
        assert.match(again.stdout, /market_analyst decides SELL 0\.70 by ollama:llama3\.2; 2 calls/)
        assert.lengthOf(server.received, 6, "nobody was asked")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "whose server refuses the key decides by rules, and shows the key nowhere",
    () =>
      Effect.gen(function* () {
        const server = yield* modelServer(({ headers }) => {
          return { does: "fail", status: 401, message: `wrong key ${headers["x-api-key"]}${STEERING}` }
        })
        const env = {
          ANTHROPIC_API_KEY: KEY,
          ANTHROPIC_BASE_URL: `${server.url}/v1`,
          CONCLAVE_MODEL: "anthropic:claude-test",
          LOG_LEVEL: "All",
          LOG_FORMAT: "json"
        }
        const { code, stdout, stderr } = yield* conclaveWith(env, "analyze", "ACME", "--csv", CSV, "--verbose")
        assert.strictEqual(code, 0, stderr)
        assert.match(stdout, /turn 1: failed in \d+ ms: unauthorized: claude-test: status 401: wrong key \*\*\*/)
        assert.match(stdout, /decides \w+ 0\.\d\d by quant in place of anthropic:claude-test \(unauthorized/)
        assert.match(stderr, /model call failed/)
        assert.strictEqual(server.received[0]?.headers["x-api-key"], KEY)
        assert.notInclude(stdout + stderr, KEY)
        // Nothing that the server says steers the terminal, printed or logged.
        for (const character of STEERING) assert.notInclude(stdout + stderr, character)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "that is not there warns in one line, with what to do about it",
    () =>
      Effect.gen(function* () {
        const url = yield* nobody
        const words = ["analyze", "ACME", "--csv", CSV, "--model", "ollama:llama3.2"]
        const { code, stderr, stdout } = yield* conclaveWith({ OLLAMA_BASE_URL: url }, ...words)
        assert.strictEqual(code, 0, stderr)
        const lines = stderr.split("\n").filter((line) => line.trim() !== "")
        assert.lengthOf(lines, 1, stderr)
        assert.include(lines[0], `no connection (ECONNREFUSED) to ${url}. Start it with \`ollama serve\``)
        assert.include(stdout, "By the agent's own rules")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("cannot choose the models of nodes elsewhere", () =>
    Effect.gen(function* () {
      const words = ["analyze", "ACME", "--csv", CSV, "--model", "ollama:a", "--nats", "nats://127.0.0.1:1"]
      const { code, stderr } = yield* endedInProcess({}, ...words)
      assert.notStrictEqual(code, 0)
      assert.include(stderr, "--model=ollama:a: cannot be given with a NATS server")
    })
  )
})
