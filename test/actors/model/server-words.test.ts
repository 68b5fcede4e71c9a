// What servers say in their own ways: errors, and what tools are to be given.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { portAt, question, send, serverOf } from "../../support/model-servers/asking.ts"
import type { Reply } from "../../support/model-servers/server.ts"

/** Errors in the shapes of several servers, and the words of the server in each. */
const SHAPES: ReadonlyArray<readonly [name: string, reply: Reply, kind: string, words: string]> = [
  [
    "vLLM",
    send({ object: "error", message: "the prompt is too long", type: "BadRequestError", code: 400 }, 400),
    "rejected",
    "the prompt is too long"
  ],
  [
    "FastAPI",
    send({ detail: [{ loc: ["body", "n"], msg: "field required", type: "missing" }] }, 422),
    "rejected",
    "field required"
  ],
  ["a sentence in detail", send({ detail: "Invalid model" }, 400), "rejected", "Invalid model"],
  ["a text in error", send({ error: "model 'x' not found" }, 404), "rejected", "model 'x' not found"],
  [
    "Gemini, in a list",
    send([{ error: { code: 400, message: "API key not valid.", status: "INVALID_ARGUMENT" } }], 400),
    "rejected",
    "API key not valid."
  ],
  [
    "one that hands on",
    send(
      { error: { message: "Provider returned error", metadata: { raw: '{"error":{"message":"no capacity"}}' } } },
      502
    ),
    "server_error",
    "no capacity"
  ],
  ["plain text", { does: "send", status: 400, body: "unknown model", type: "text/plain" }, "rejected", "unknown model"],
  [
    "a page",
    { does: "send", status: 502, body: "<html><title>502 Bad Gateway</title></html>", type: "text/html" },
    "server_error",
    "502 Bad Gateway"
  ],
  [
    "200 with an error",
    send({ error: { message: "upstream is down", code: 503 } }, 200),
    "server_error",
    "upstream is down"
  ],
  [
    "200 with an error in its choice",
    send({ choices: [{ error: { message: "cut off", code: 502 } }] }, 200),
    "server_error",
    "cut off"
  ],
  [
    "200 with a limit",
    send({ error: { message: "Rate limit exceeded", type: "rate_limit" } }, 200),
    "rate_limited",
    "Rate limit exceeded"
  ],
  [
    "no credit, as OpenAI says it",
    send({ error: { message: "You exceeded your current quota", code: "insufficient_quota" } }, 429),
    "unauthorized",
    "quota"
  ],
  [
    "no credit, as DeepSeek says it",
    send({ error: { message: "Insufficient Balance" } }, 402),
    "unauthorized",
    "Insufficient Balance"
  ],
  [
    "no credit, as Anthropic says it",
    send({ type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low" } }, 400),
    "unauthorized",
    "credit balance"
  ]
]

describe("what a server says went wrong", () => {
  it.live.each(SHAPES)("by %s reaches the person", ([, reply, kind, words]) =>
    Effect.gen(function* () {
      const server = yield* serverOf(() => reply)
      const error = yield* Effect.flip(portAt(server.url).ask({ ...question("openai:a"), form: null }))
      assert.strictEqual(error.kind, kind, error.detail)
      assert.include(error.detail, words)
      assert.lengthOf(server.received, 1)
    }).pipe(Effect.scoped)
  )
})

/** What a tool is to be given, in the ways that servers give it. */
const call = (given: unknown) => ({ function: { name: "rsi", arguments: given } })
const chat = (given: unknown) => ({
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: null, tool_calls: [{ id: "x", type: "function", ...call(given) }] }
    }
  ]
})
const ollama = (given: unknown) => ({
  model: "a",
  created_at: "2026-01-01T00:00:00Z",
  done: true,
  message: { role: "assistant", content: null, tool_calls: [call(given)] }
})

describe("the parameters of a tool", () => {
  it.live.each([
    ["an object, to OpenAI's format", "openai:a", chat({ period: 14 }), { period: 14 }],
    ["a text, to Ollama's", "ollama:a", ollama('{"period": 14}'), { period: 14 }],
    ["nothing, to OpenAI's", "openai:a", chat(""), {}],
    ["null, to OpenAI's", "openai:a", chat(null), {}],
    ["null, to Ollama's", "ollama:a", ollama(null), {}]
  ] as const)("come as %s", ([, model, body, input]) =>
    Effect.gen(function* () {
      const server = yield* serverOf(() => send(body, 200))
      const { tools } = yield* portAt(server.url).ask(question(model, "tools"))
      assert.deepStrictEqual(
        tools.map(({ input: given }) => given),
        [input]
      )
    }).pipe(Effect.scoped)
  )
})
