import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { aiSdkModel } from "../../../actors/model/ai-sdk.ts"
import { decisionForm } from "../../../actors/model/decision.ts"
import type { Question } from "../../../actors/model/language-model.ts"
import type { ModelErrorKind } from "../../../protocols/index.ts"
import { decisionText } from "../../support/model-servers/decisions.ts"
import type { Provider } from "../../support/model-servers/formats.ts"
import { type ModelServer, modelServer, nobody, type Reply } from "../../support/model-servers/server.ts"

const KEY = "sk-very-secret-4711"
const MODELS = ["ollama:llama3.2:3b", "anthropic:claude-test", "perplexity:sonar", "openai:gpt-test"] as const

const modelAt = (url: string) => {
  const key = Redacted.make(KEY)
  return aiSdkModel({
    ollama: { baseUrl: url },
    anthropic: { baseUrl: `${url}/v1`, key },
    perplexity: { baseUrl: url, key },
    openai: { baseUrl: `${url}/v1/`, key }
  })
}

const question = (model: string, more: Partial<Question> = {}): Question => ({
  model,
  instructions: "Be brief.",
  messages: [{ role: "user", text: "<data>\n{}\n</data>" }],
  tools: [],
  form: decisionForm,
  ...more
})

/** Where each server looks for its key. */
const KEYS: { readonly [P in Provider]: ReadonlyArray<unknown> } = {
  ollama: [undefined, undefined],
  anthropic: [KEY, undefined],
  perplexity: [undefined, `Bearer ${KEY}`],
  openai: [undefined, `Bearer ${KEY}`]
}

const RSI = { name: "rsi", about: "Relative strength.", parameters: { type: "object", properties: {} } }

const Sent = Schema.decodeUnknownSync(
  Schema.Struct({
    messages: Schema.Array(Schema.Struct({ role: Schema.String, content: Schema.Unknown })),
    stream: Schema.optionalKey(Schema.Boolean),
    format: Schema.optionalKey(Schema.Unknown),
    response_format: Schema.optionalKey(Schema.Unknown),
    output_config: Schema.optionalKey(Schema.Unknown),
    tools: Schema.optionalKey(Schema.Array(Schema.Unknown)),
    system: Schema.optionalKey(Schema.Unknown)
  })
)

const last = ({ received }: ModelServer) => received.at(-1)!

/** What each way to fail is called, whoever's format it is in. */
const FAILURES: ReadonlyArray<readonly [name: string, reply: Reply, kind: ModelErrorKind]> = [
  ["500", { does: "fail", status: 500, message: "it broke" }, "server_error"],
  ["429", { does: "fail", status: 429, message: "too much", retryAfter: "2" }, "rate_limited"],
  ["a wrong key", { does: "fail", status: 401, message: `no such key: ${KEY}` }, "unauthorized"],
  ["no such model", { does: "fail", status: 404, message: "no such model" }, "rejected"],
  ["a bad request", { does: "fail", status: 400, message: "what is that" }, "rejected"],
  ["a body that breaks off", { does: "break off", text: decisionText("BUY") }, "truncated"],
  ["a body that ends early", { does: "end early", text: decisionText("BUY") }, "truncated"],
  ["no JSON", { does: "send", body: "<html>sorry</html>", type: "text/html" }, "malformed"],
  ["a body without end", { does: "send", body: " ".repeat(2 ** 20 + 1) }, "malformed"],
  ["an address elsewhere", { does: "redirect", to: "/v1/messages" }, "rejected"],
  ["JSON of another schema", { does: "send", body: '{"hello":"world"}' }, "malformed"]
]

describe("a server of language models", () => {
  it.live.each(MODELS)("%s answers in its own wire format, and is told the form and the key", (model) =>
    Effect.gen(function* () {
      const text = decisionText("SELL", 0.8)
      const server = yield* modelServer(() => ({ does: "say", text, tokens: { input: 321, output: 12 } }))
      const turn = yield* modelAt(server.url).ask(question(model))
      assert.deepStrictEqual(turn, { text, tools: [], input_tokens: 321, output_tokens: 12 })
      const { provider, headers, text: sent, body } = last(server)
      assert.strictEqual(provider, model.split(":")[0])
      assert.strictEqual(last(server).model, model.slice(model.indexOf(":") + 1))
      const { stream, format, response_format, output_config } = Sent(body)
      assert.notStrictEqual(stream, true)
      assert.include(JSON.stringify([format, response_format, output_config]), '"HOLD"', "the form")
      assert.include(sent, "Be brief.")
      assert.deepStrictEqual([headers["x-api-key"], headers.authorization], KEYS[provider])
      assert.notInclude(sent, KEY)
    }).pipe(Effect.scoped)
  )

  it.live.each(["ollama:a", "anthropic:a", "openai:a"])("%s asks for tools, and gets their results", (model) =>
    Effect.gen(function* () {
      const tools = [
        { name: "rsi", input: { period: 7 } },
        { name: "no_such_tool", input: {} }
      ]
      const server = yield* modelServer(() => ({ does: "say", text: "Let me see.", tools }))
      const port = modelAt(server.url)
      const turn = yield* port.ask(question(model, { tools: [RSI], form: null }))
      assert.strictEqual(turn.text, "Let me see.")
      assert.deepStrictEqual(turn.tools, [
        { id: "call_1_1", name: "rsi", input: { period: 7 } },
        { id: "call_1_2", name: "no_such_tool", input: {} }
      ])
      assert.lengthOf(Sent(last(server).body).tools ?? [], 1)
      const results = turn.tools.map(({ id, name }) => ({ id, name, output: `{"of":"${id}"}` }))
      const messages = [
        ...question(model).messages,
        { role: "assistant" as const, text: turn.text, tools: turn.tools },
        { role: "tools" as const, results }
      ]
      yield* port.ask(question(model, { messages, tools: [RSI], form: null }))
      const sent = JSON.stringify(Sent(last(server).body).messages)
      assert.include(sent, "Let me see.")
      assert.include(sent, JSON.stringify('{"of":"call_1_2"}'))
    }).pipe(Effect.scoped)
  )

  const cases = MODELS.flatMap((model) => FAILURES.map(([name, reply, kind]) => ({ model, name, reply, kind })))
  it.live.each(cases)("$model: $name is $kind", ({ model, reply, kind }) =>
    Effect.gen(function* () {
      const server = yield* modelServer(() => reply)
      const error = yield* Effect.flip(modelAt(server.url).ask(question(model)))
      assert.strictEqual(error.kind, kind, error.detail)
      assert.strictEqual(error.retry_after_ms, kind === "rate_limited" ? 2_000 : undefined)
      if (reply.does === "fail" && kind !== "unauthorized") assert.include(error.detail, reply.message)
      assert.isAtMost(error.detail.length, 400)
      assert.notInclude(JSON.stringify(error) + String(error) + error.stack, KEY)
      assert.lengthOf(server.received, 1, "it asks once")
    }).pipe(Effect.scoped)
  )

  it.live.each(MODELS)("%s: nobody there is refused", (model) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(modelAt(yield* nobody).ask(question(model)))
      assert.strictEqual(error.kind, "refused", error.detail)
    })
  )

  it.live("that hangs is left when its caller gives up", () =>
    Effect.gen(function* () {
      const server = yield* modelServer(() => ({ does: "hang" }))
      const asked = yield* modelAt(server.url).ask(question("ollama:a")).pipe(Effect.timeoutOption("100 millis"))
      assert.strictEqual(asked._tag, "None")
    }).pipe(Effect.scoped)
  )

  it.live("that repeats the key in its answer does not get it into what is said", () =>
    Effect.gen(function* () {
      const server = yield* modelServer(() => ({ does: "say", text: `your key is ${KEY}`, tokens: null }))
      const turn = yield* modelAt(server.url).ask(question("openai:a", { form: null }))
      assert.strictEqual(turn.text, "your key is ***")
      assert.deepStrictEqual([turn.input_tokens, turn.output_tokens], [null, null])
    }).pipe(Effect.scoped)
  )

  it.live("that repeats it in what it asks for does not either", () =>
    Effect.gen(function* () {
      const tools = [{ name: KEY, input: { [KEY]: 1, deep: [{ why: `the key is ${KEY}` }] } }]
      const server = yield* modelServer(() => ({ does: "say", tools }))
      const turn = yield* modelAt(server.url).ask(question("ollama:a", { tools: [RSI], form: null }))
      assert.deepStrictEqual(turn.tools, [
        { id: "call_1_1", name: "***", input: { "***": 1, deep: [{ why: "the key is ***" }] } }
      ])
    }).pipe(Effect.scoped)
  )

  it.live("that puts it where its words are cut off shows no part of it", () =>
    Effect.gen(function* () {
      const until = (length: number) => `${"x".repeat(length - 5)}${KEY}`
      const server = yield* modelServer(() => ({ does: "say", text: until(16_000) }))
      const turn = yield* modelAt(server.url).ask(question("openai:a", { form: null }))
      assert.notInclude(turn.text, KEY.slice(0, 4))
      server.follow(() => ({ does: "fail", status: 400, message: until(300) }))
      const error = yield* Effect.flip(modelAt(server.url).ask(question("openai:a")))
      assert.isAtLeast(error.detail.length, 300)
      assert.notInclude(error.detail, KEY.slice(0, 4))
    }).pipe(Effect.scoped)
  )

  it.live("asks for no more than eight tools at once", () =>
    Effect.gen(function* () {
      const tools = Array.from({ length: 20 }, () => ({ name: "rsi", input: {} }))
      const server = yield* modelServer(() => ({ does: "say", tools }))
      const turn = yield* modelAt(server.url).ask(question("ollama:a", { tools: [RSI], form: null }))
      assert.lengthOf(turn.tools, 8)
    }).pipe(Effect.scoped)
  )
})
