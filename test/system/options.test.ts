// What a system cannot be started with: a table of it, which needs no server.
import { assert, describe, it } from "@effect/vitest"
import { AgentSystem, type AgentSystemOptions, InvalidOption } from "../../system/index.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const gateway = (more: object) => ({ temporary: true, gateway: { port: 0, ...more } })
const at = "http://127.0.0.1:1"
const providers = { ollama: { baseUrl: at }, anthropic: { baseUrl: at }, perplexity: { baseUrl: at } }
const models = {
  models: new Map(),
  providers: { ...providers, openai: { baseUrl: at } },
  prompts: "prompts",
  prices: {}
}

const WRONG: ReadonlyArray<readonly [given: unknown, option: string, rule: RegExp]> = [
  [null, "options", /must be an object/],
  ["x", "options", /must be an object/],
  [[], "options", /must be an object/],
  [{ temprary: true }, "temprary", /is no such option/],
  [{ temporary: "yes" }, "temporary", /true or false/],
  [{ dataDir: "" }, "dataDir", /path of a folder/],
  [{ dataDir: 5 }, "dataDir", /path of a folder/],
  [{ temporary: true, dataDir: "./x" }, "temporary", /goes without dataDir/],
  [{ nats: "nats://127.0.0.1:4222", temporary: true }, "nats", /goes without temporary/],
  [{ nats: "nats://127.0.0.1:4222", dataDir: "./x" }, "nats", /goes without dataDir/],
  [{ nats: "" }, "nats", /nats:\/\/ or tls:\/\/ addresses/],
  [{ nats: "http://foo bar" }, "nats", /nats:\/\/ or tls:\/\/ addresses/],
  [{ nats: "http://127.0.0.1:4222" }, "nats", /nats:\/\/ or tls:\/\/ addresses/],
  [{ natsServer: "/nope" }, "natsServer", /there is no such file/],
  [{ namespace: null }, "namespace", /start with a letter/],
  [{ namespace: "Two Words" }, "namespace", /start with a letter/],
  [{ roundTimeoutMs: 5 }, "roundTimeoutMs", /whole number from 100 to 600000/],
  [{ log: "debug" }, "log", /must be None, Error, Warn, Info or Debug/],
  [{ log: "Verbose" }, "log", /must be None/],
  [{ temporary: true, panel: ["foo"] }, "panel", /there is no such agent: there are market_analyst/],
  [{ panel: "x" }, "panel", /must be a list/],
  [{ panel: [] }, "panel", /at least one agent type/],
  [{ panel: ["market_analyst", "market_analyst"] }, "panel", /each agent type once/],
  [{ panel: ["Two Words"] }, "panel[0]", /must be an agent type/],
  [{ accounts: "x" }, "accounts", /must be a list/],
  [{ accounts: ["two words"] }, "accounts[0]", /must be an account/],
  [{ accountRules: { maxPosition: -1 } }, "accountRules.maxPosition", /between 0 and 1/],
  [{ accountRules: { maxPositon: 1 } }, "accountRules.maxPositon", /is no such option/],
  [{ models: {} }, "models.models", /must be given/],
  [
    { models: { ...models, models: new Map([["market_analyst", "gpt"]]) } },
    "models.models.entries[0][1]",
    /must be quant, ollama/
  ],
  [{ models: { ...models, timeout: "soon" } }, "models.timeout", /must be a duration/],
  [{ gateway: true }, "gateway", /must be an object/],
  [{ gateway: {} }, "gateway.port", /must be given/],
  [gateway({ port: "8080" }), "gateway.port", /whole number from 0 to 65535/],
  [gateway({ port: -1 }), "gateway.port", /whole number from 0 to 65535/],
  [gateway({ port: Number.NaN }), "gateway.port", /whole number from 0 to 65535/],
  [gateway({ allowedOrigins: "foo" }), "gateway.allowedOrigins", /must be a list/],
  [gateway({ allowedOrigins: ["foo"] }), "gateway.allowedOrigins[0]", /must be an origin/],
  [gateway({ limits: { connectionsMax: -1 } }), "gateway.limits.connectionsMax", /whole number from 1/],
  [gateway({ limits: { connections: 1 } }), "gateway.limits.connections", /is no such option/],
  [gateway({ tls: { certificate: undefined, key: "k" } }), "gateway.tls.certificate", /path of a file/],
  [gateway({ tls: { certificate: "c" } }), "gateway.tls.key", /must be given/],
  [gateway({ tls: { cert: "c", key: "k" } }), "gateway.tls.cert", /is no such option/],
  [gateway({ host: "0.0.0.0" }), "gateway.host", /unless auth says how clients prove/],
  [gateway({ auth: SECRET }), "gateway.auth", /must be an object/],
  [gateway({ auth: {} }), "gateway.auth", /must say how clients prove who they are/],
  [gateway({ auth: { issuer: "us" } }), "gateway.auth", /must say how clients prove who they are/],
  [gateway({ auth: { jwtSecret: SECRET } }), "gateway.auth.jwtSecret", /is no such option/],
  [gateway({ auth: { keys: [] } }), "gateway.auth.keys", /is no such option/],
  [gateway({ auth: { secret: "short" } }), "gateway.auth.secret", /at least 32 characters/]
]

describe("a system that is started with what it cannot be", () => {
  it.each(WRONG)("%j is refused, by the option's name and its rule", async (given, option, rule) => {
    const error = await AgentSystem.initialize(given as AgentSystemOptions).then(
      (system) => system.shutdown(),
      (error: unknown) => error
    )
    assert.instanceOf(error, InvalidOption)
    assert.strictEqual(error.option, option)
    assert.match(error.rule, rule)
    assert.notInclude(error.message, SECRET)
  })
})
