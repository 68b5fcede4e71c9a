// The servers of docs/MODELS.md, each as it behaves: what it refuses, in its own words, and what it takes.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { aiSdkModel } from "../../../actors/model/ai-sdk.ts"
import { HABITS } from "../../../actors/model/habits.ts"
import { ROOT } from "../../support/command.ts"
import { portAt, question, refuse, SELL, Sent, say, send, serverOf } from "../../support/model-servers/asking.ts"
import type { Reply } from "../../support/model-servers/server.ts"

/** A server with a habit: how it is asked at first, and whether what came is what it takes. */
interface Habitual {
  readonly server: string
  readonly model: string
  readonly kind?: "form" | "tools" | "told"
  readonly refusal: Reply
  readonly takes: (sent: Sent) => boolean
}

const HABITUAL: ReadonlyArray<Habitual> = [
  {
    server: "a reasoning model of OpenAI: max_completion_tokens",
    model: "openai:o-test",
    refusal: refuse(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    ),
    takes: ({ max_tokens, max_completion_tokens }) => max_tokens === undefined && max_completion_tokens === 6_000
  },
  {
    server: "a reasoning model of OpenAI: temperature",
    model: "openai:o-test",
    refusal: refuse(
      "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
    ),
    takes: ({ temperature }) => temperature === undefined
  },
  {
    server: "a model of Anthropic's without temperature",
    model: "anthropic:new-test",
    refusal: refuse("`temperature` is deprecated for this model."),
    takes: ({ temperature }) => temperature === undefined
  },
  {
    server: "a small reasoning model without a system role",
    model: "openai:mini-test",
    refusal: refuse("Unsupported value: 'messages[0].role' does not support 'system' with this model."),
    takes: ({ messages }) => messages.length === 1 && String(messages[0]?.content).startsWith("Be brief.\n\n<data>")
  },
  {
    server: "vLLM of a template without a system role",
    model: "openai:gemma-test",
    refusal: send({ object: "error", message: "System role not supported", type: "BadRequestError", code: 400 }, 400),
    takes: ({ messages }) => messages.every(({ role }) => role !== "system")
  },
  {
    server: "LiteLLM before Bedrock: tools kept",
    model: "openai:bedrock-test",
    kind: "told",
    refusal: refuse(
      "litellm.UnsupportedParamsError: Bedrock doesn't support tool calling without `tools=` param specified. Pass `tools=` param OR set `litellm.modify_params = True`"
    ),
    takes: ({ tools, tool_choice }) => tools?.length === 1 && tool_choice === "none"
  },
  {
    server: "DeepSeek: no json_schema",
    model: "openai:deepseek-test",
    refusal: refuse("This response_format type is unavailable now"),
    takes: ({ response_format }) => response_format?.type === "json_object"
  },
  {
    server: "a server that knows no response_format at all",
    model: "openai:old-test",
    refusal: send({ detail: [{ loc: ["body", "response_format"], msg: "Extra inputs are not permitted" }] }, 422),
    takes: ({ response_format }) => response_format === undefined
  },
  {
    server: "an Ollama of before there were forms",
    model: "ollama:old-test",
    refusal: refuse("json: cannot unmarshal object into Go struct field ChatRequest.format: format is not supported"),
    takes: ({ format }) => format === undefined
  }
]

interface NoHabit {
  readonly words: string
  readonly kind?: "form" | "tools"
  readonly refusal?: Reply
}

/** Refusals that speak of what a habit is about, and mean something else. */
const NO_HABIT: ReadonlyArray<NoHabit> = [
  {
    words:
      "'max_tokens' or 'max_completion_tokens' is too large: 1500. This model's maximum context length is 4096 tokens and your request has 3000 input tokens"
  },
  { words: "Invalid 'temperature': must be between 0 and 1; unsupported value" },
  { words: "tool calls are not supported when response_format is set", kind: "tools" },
  { words: "Extra inputs are not permitted: tools.0.custom.strict", kind: "tools" },
  { words: "tools.0.custom.strict: Extra inputs are not permitted", kind: "tools" },
  { words: "Invalid schema for function 'adx': 'x' is not supported", kind: "tools" },
  { words: "This model does not support parallel tool calls", kind: "tools" },
  {
    words: "what FastAPI repeats of the request",
    refusal: send(
      {
        detail: [
          {
            loc: ["body", "messages", 0],
            msg: "Field required",
            input: { text: "temperature is not supported, response_format neither", max_completion_tokens: 1 }
          }
        ]
      },
      422
    )
  },
  {
    words: "what vLLM repeats of the request",
    refusal: refuse(
      "[{'type': 'missing', 'loc': ('body', 'model'), 'msg': 'Field required', 'input': {'temperature': 'not supported', 'response_format': {}}}]"
    )
  }
]

describe("a server with a habit", () => {
  it.live.each(HABITUAL)(
    "$server is asked again as it wants it, and from then on at once",
    ({ model, kind, refusal, takes }) =>
      Effect.gen(function* () {
        const server = yield* serverOf((sent) => (takes(sent) ? say : refusal))
        const port = portAt(server.url)
        assert.strictEqual((yield* port.ask(question(model, kind))).text, SELL)
        const learning = server.received.length
        assert.isAtLeast(learning, 2)
        assert.isAtMost(learning, 3)
        yield* port.ask(question(model, kind))
        assert.lengthOf(server.received, learning + 1)
        const others = yield* Effect.flip(
          portAt(server.url).ask({ ...question(model, kind), model: "openai:no-such" })
        ).pipe(Effect.option)
        assert.isDefined(others)
        assert.isAbove(port.habitsOf?.(model).length ?? 0, 0)
        assert.deepStrictEqual(port.habitsOf?.("openai:another"), [])
      }).pipe(Effect.scoped)
  )

  it.live("with several is asked until all are known", () =>
    Effect.gen(function* () {
      const server = yield* serverOf(({ max_tokens, temperature }) => {
        if (max_tokens !== undefined) return refuse("Use 'max_completion_tokens' instead of max_tokens.")
        return temperature === undefined ? say : refuse("'temperature' does not support 0 with this model.")
      })
      const port = portAt(server.url)
      yield* port.ask(question("openai:o-test"))
      assert.lengthOf(server.received, 3)
      // Two that were sent before anybody knew learn it each.
      const both = portAt(server.url)
      const turns = yield* Effect.all([both.ask(question("openai:o-test")), both.ask(question("openai:o-test"))], {
        concurrency: 2
      })
      assert.deepStrictEqual(
        turns.map(({ text }) => text),
        [SELL, SELL]
      )
    }).pipe(Effect.scoped)
  )

  it.live("that goes on refusing is left, with its own words", () =>
    Effect.gen(function* () {
      const server = yield* serverOf(() => refuse("temperature is not supported, whatever you do"))
      const error = yield* Effect.flip(portAt(server.url).ask(question("openai:a")))
      assert.deepStrictEqual([error.kind, server.received.length], ["rejected", 2])
      assert.include(error.detail, "whatever you do")
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["ollama:gemma-test", refuse("gemma-test:latest does not support tools")],
    [
      "openai:vllm-test",
      send(
        {
          object: "error",
          message: '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
          type: "BadRequestError",
          code: 400
        },
        400
      )
    ],
    ["openai:llama-cpp-test", send({ error: { code: 500, message: "tools param requires --jinja flag" } }, 500)]
  ] as const)("%s that takes no tools says so, the second time without being asked", ([model, refusal]) =>
    Effect.gen(function* () {
      const server = yield* serverOf(({ tools }) => (tools === undefined ? say : refusal))
      const port = portAt(server.url)
      for (const _ of [1, 2]) {
        const error = yield* Effect.flip(port.ask(question(model, "tools")))
        assert.deepStrictEqual([error.kind, error.refuses_tools], ["rejected", true])
      }
      assert.lengthOf(server.received, 1)
      assert.strictEqual((yield* port.ask(question(model))).text, SELL)
    }).pipe(Effect.scoped)
  )

  it.live.each(NO_HABIT)("is not learnt from: $words", ({ kind, refusal, words }) =>
    Effect.gen(function* () {
      const server = yield* serverOf(() => refusal ?? refuse(words))
      const port = portAt(server.url)
      const error = yield* Effect.flip(port.ask(question("openai:a", kind)))
      assert.deepStrictEqual([error.kind, error.refuses_tools, server.received.length], ["rejected", undefined, 1])
      assert.deepStrictEqual(port.habitsOf?.("openai:a"), [])
    }).pipe(Effect.scoped)
  )

  it.live("is forgotten where it did not help", () =>
    Effect.gen(function* () {
      const server = yield* serverOf(() => refuse("temperature is not supported"))
      const port = portAt(server.url)
      yield* Effect.flip(port.ask(question("openai:a")))
      assert.deepStrictEqual(port.habitsOf?.("openai:a"), [])
      server.follow(() => refuse("tools are not supported"))
      yield* Effect.flip(port.ask(question("openai:a", "tools")))
      assert.deepStrictEqual(port.habitsOf?.("openai:a"), ["no_tools"])
      yield* Effect.flip(port.ask(question("openai:a")))
      assert.deepStrictEqual(port.habitsOf?.("openai:a"), [])
    }).pipe(Effect.scoped)
  )

  it.live("Anthropic's, gets its tools with the form once calls of them are in the conversation", () =>
    Effect.gen(function* () {
      const server = yield* serverOf(({ tools }) =>
        tools === undefined
          ? refuse("Requests which include `tool_use` or `tool_result` blocks must define tools")
          : say
      )
      for (const model of ["anthropic:claude-3-5-haiku-test", "anthropic:claude-sonnet-4-5-test"]) {
        assert.strictEqual((yield* portAt(server.url).ask(question(model, "told"))).text, SELL)
      }
      assert.lengthOf(server.received, 2)
    }).pipe(Effect.scoped)
  )

  it.live("Mistral's, gets ids of nine letters or digits", () =>
    Effect.gen(function* () {
      const server = yield* serverOf(({ messages }) => {
        const ids = messages.flatMap(({ tool_call_id, tool_calls = [] }) => [
          ...(tool_call_id === undefined ? [] : [tool_call_id]),
          ...tool_calls.map(({ id }) => id)
        ])
        const wrong = ids.find((id) => !/^[a-zA-Z0-9]{9}$/.test(id))
        return wrong === undefined && new Set(ids).size === 1
          ? say
          : refuse(`Tool call id was ${wrong} but must be a-z, A-Z, 0-9, with a length of 9.`)
      })
      assert.strictEqual((yield* portAt(server.url).ask(question("openai:mistral-test", "told"))).text, SELL)
      assert.lengthOf(server.received, 1)
    }).pipe(Effect.scoped)
  )

  it.live("Ollama's, is told how much it has to keep in mind, by the size of the conversation", () =>
    Effect.gen(function* () {
      const server = yield* serverOf(() => say)
      const port = portAt(server.url)
      const sizes = [10, 20_000, 60_000]
      for (const size of sizes) {
        yield* port.ask({ ...question("ollama:a"), messages: [{ role: "user", text: "x".repeat(size) }] })
      }
      const contexts = server.received.map(({ body }) => Sent(body).options?.num_ctx)
      assert.deepStrictEqual(
        contexts,
        [8_192, 16_384, 32_768].map((tokens, index) => (index === 1 ? 8_192 : tokens))
      )
      const set = aiSdkModel({ ...PROVIDERS(server.url), ollama: { baseUrl: server.url, context: 4_096 } })
      yield* set.ask(question("ollama:a"))
      assert.strictEqual(Sent(server.received.at(-1)?.body).options?.num_ctx, 4_096)
    }).pipe(Effect.scoped)
  )
})

const PROVIDERS = (url: string) => ({
  anthropic: { baseUrl: url },
  perplexity: { baseUrl: url },
  openai: { baseUrl: url }
})

describe("docs/MODELS.md", () => {
  it("names every habit", () => {
    const guide = readFileSync(join(ROOT, "docs/MODELS.md"), "utf8")
    for (const { name } of HABITS) assert.include(guide, `\`${name}\``)
  })
})
