// What goes to a server and what comes of it, as JSON: put into the form that the provider's library takes.
import { Option } from "effect"
import type { ModelProvider } from "../../protocols/index.ts"
import { boundedFetch } from "./bounded-fetch.ts"
import type { Body } from "./habits.ts"
import { errorInside } from "./server-words.ts"

/** `fetch` for a provider: `change` makes the body that is sent; what comes back is in its format, or fails with the status that it means. */
export const servedFetch =
  (provider: ModelProvider, change: (body: Body) => Body): typeof fetch =>
  async (input, init) => {
    const sent = typeof init?.body === "string" ? { ...init, body: bodyOf(init.body, change) } : init
    const response = await boundedFetch(input, sent)
    if (response.body === null) return response
    const { status, statusText, headers } = response
    const text = await response.text()
    const json = parse(text)
    if (!response.ok || Option.isNone(json)) return new Response(text, { status, statusText, headers })
    const failed = errorInside(json.value)
    if (failed !== undefined) return new Response(text, { status: failed, headers })
    return new Response(JSON.stringify(SHAPES[provider](json.value)), { status, statusText, headers })
  }

const parse = Option.liftThrowable((text: string): unknown => JSON.parse(text))

const bodyOf = (text: string, change: (body: Body) => Body): string =>
  Option.match(parse(text), {
    onNone: () => text,
    onSome: (json) => (isRecord(json) ? JSON.stringify(change(json)) : text)
  })

const isRecord = (value: unknown): value is Body => typeof value === "object" && value !== null && !Array.isArray(value)

/** Changes a member of an object, where it is one and has it. */
const within = (value: unknown, member: string, change: (value: unknown) => unknown): unknown =>
  isRecord(value) && member in value ? { ...value, [member]: change(value[member]) } : value

const each =
  (change: (value: unknown) => unknown) =>
  (value: unknown): unknown =>
    Array.isArray(value) ? value.map(change) : value

/** What a tool is to be given: an object. Of a text that holds none it is the text, under no name that a tool knows. */
const asObject = (given: unknown): unknown => {
  if (isRecord(given)) return given
  if (given === undefined || given === null || given === "") return {}
  const inner = typeof given === "string" ? Option.getOrUndefined(parse(given)) : undefined
  return isRecord(inner) ? inner : { text: given }
}

const asText = (given: unknown): unknown =>
  typeof given === "string" && given.trim() !== "" ? given : JSON.stringify(asObject(given))

const callsWith = (change: (given: unknown) => unknown) =>
  each((call) =>
    within(call, "function", (named) => (isRecord(named) ? { ...named, arguments: change(named.arguments) } : named))
  )

const chatCompletion = (json: unknown): unknown =>
  within(
    json,
    "choices",
    each((choice) => within(choice, "message", (message) => within(message, "tool_calls", callsWith(asText))))
  )

/** How the answers of each provider are put into the form that its library takes. */
const SHAPES: { readonly [P in ModelProvider]: (json: unknown) => unknown } = {
  ollama: (json) =>
    within(json, "message", (message) =>
      within(within(message, "tool_calls", callsWith(asObject)), "content", (content) => content ?? "")
    ),
  anthropic: (json) =>
    within(
      json,
      "content",
      each((part) => within(part, "input", asObject))
    ),
  openai: chatCompletion,
  perplexity: chatCompletion
}
