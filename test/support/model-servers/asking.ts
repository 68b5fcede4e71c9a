// Questions to servers of language models that behave as a test says.
import { Redacted, Schema } from "effect"
import { aiSdkModel } from "../../../actors/model/ai-sdk.ts"
import { decisionForm } from "../../../actors/model/decision.ts"
import type { Question } from "../../../actors/model/language-model.ts"
import { decisionText } from "./decisions.ts"
import { modelServer, type Received, type Reply } from "./server.ts"

export const SELL = decisionText("SELL", 0.7)
const RSI = { name: "rsi", about: "Relative strength.", parameters: { type: "object", properties: {} } }

export const Sent = Schema.decodeUnknownSync(
  Schema.Struct({
    messages: Schema.Array(
      Schema.Struct({
        role: Schema.String,
        content: Schema.optionalKey(Schema.Unknown),
        tool_call_id: Schema.optionalKey(Schema.String),
        tool_calls: Schema.optionalKey(Schema.Array(Schema.Struct({ id: Schema.String })))
      })
    ),
    max_tokens: Schema.optionalKey(Schema.Finite),
    max_completion_tokens: Schema.optionalKey(Schema.Finite),
    temperature: Schema.optionalKey(Schema.Finite),
    tools: Schema.optionalKey(Schema.Array(Schema.Unknown)),
    tool_choice: Schema.optionalKey(Schema.Unknown),
    response_format: Schema.optionalKey(Schema.Struct({ type: Schema.String })),
    format: Schema.optionalKey(Schema.Unknown),
    options: Schema.optionalKey(Schema.Struct({ num_ctx: Schema.Finite }))
  })
)
export type Sent = ReturnType<typeof Sent>

export const say: Reply = { does: "say", text: SELL }
export const refuse = (message: string, status = 400): Reply => ({ does: "fail", status, message })
export const send = (body: unknown, status: number): Reply => ({ does: "send", status, body: JSON.stringify(body) })

export const portAt = (url: string) => {
  const key = Redacted.make("sk-a-key-of-ours")
  return aiSdkModel({
    ollama: { baseUrl: url },
    anthropic: { baseUrl: `${url}/v1`, key },
    perplexity: { baseUrl: url, key },
    openai: { baseUrl: `${url}/v1`, key }
  })
}

const asked: ReadonlyArray<Question["messages"][number]> = [{ role: "user", text: "<data>\n{}\n</data>" }]

/** A question for the decision, or for tools; or, `told`, after a turn with tools. */
export const question = (model: string, kind: "form" | "tools" | "told" = "form"): Question => ({
  model,
  instructions: "Be brief.",
  messages:
    kind === "told"
      ? [
          ...asked,
          { role: "assistant", text: "", tools: [{ id: "call_1_1", name: "rsi", input: {} }] },
          { role: "tools", results: [{ id: "call_1_1", name: "rsi", output: '{"rsi":44}' }] }
        ]
      : asked,
  tools: kind === "tools" ? [RSI] : [],
  ...(kind === "told" ? { told: [RSI] } : {}),
  form: kind === "tools" ? null : decisionForm
})

export const serverOf = (answer: (sent: Sent, received: Received) => Reply) =>
  modelServer((received) => answer(Sent(received.body), received))
