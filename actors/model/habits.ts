// Servers that speak one format differ in what they refuse. This table is all that is known of it: a habit is learnt from the refusal
// itself, and the question is asked again as its server wants it. docs/MODELS.md shows it for people.
import type { Question } from "./language-model.ts"

/** The body of a request, as JSON. */
export type Body = { readonly [member: string]: unknown }

export type HabitName =
  | "completion_tokens"
  | "no_temperature"
  | "no_system_role"
  | "tools_kept"
  | "no_tools"
  | "no_json_schema"
  | "no_response_format"

export interface Habit {
  readonly name: HabitName
  /** What is different then, for people. */
  readonly about: string
  /** What a refusal says by which it is known. */
  readonly says: RegExp
  /** What it says beside that where something else is meant. */
  readonly unless?: RegExp
  /** Whether a question can be refused for it. */
  readonly concerns: (question: Question) => boolean
  /** The body that is sent in place of another. Where there is none, the question itself is put differently. */
  readonly change?: (body: Body) => Body
}

/** A model that thinks aloud spends its tokens on that as well. */
const THINKING_FACTOR = 4

const always = () => true
const hasForm = ({ form }: Question) => form !== null

/** In the order in which a refusal is held against them. */
export const HABITS: ReadonlyArray<Habit> = [
  {
    name: "completion_tokens",
    about: "`max_completion_tokens` in place of `max_tokens`, and four times as many: thoughts count too",
    says: /\buse\b.{0,10}max_completion_tokens.{0,5}instead|(?:unsupported|unknown|unrecognized) (?:\w+ )?(?:parameter|argument).{0,20}\bmax_tokens\b/i,
    concerns: always,
    change: ({ max_tokens: most, ...body }) =>
      typeof most === "number" ? { ...body, max_completion_tokens: THINKING_FACTOR * most } : body
  },
  {
    name: "no_temperature",
    about: "no `temperature`",
    says: /temperature.{0,80}(?:support|deprecated|default|permitted|allowed|unknown|may only)|(?:support|unknown|unrecognized).{0,40}temperature/i,
    concerns: always,
    change: ({ temperature: _, ...body }) => body
  },
  {
    name: "no_system_role",
    about: "the instructions stand before the first message of the user",
    says: /\bsystem\b.{0,40}(?:not|n't|un)[ -]?(?:be )?support|not support.{0,40}\bsystem\b|system role/i,
    concerns: always,
    change: withoutSystemRole
  },
  {
    name: "tools_kept",
    about: "the tools stay in the request, with `tool_choice` none, once the conversation holds calls of tools",
    says: /must (?:define|include|provide|specify) tools|without `?tools=?`? ?param|toolConfig.{0,40}(?:defined|required)/i,
    concerns: ({ tools, told = [] }) => tools.length === 0 && told.length > 0
  },
  {
    name: "no_tools",
    about: "no tools at all: what they say is given with the question",
    says: /(?:not|n't) support.{0,40}(?:tool|function)|(?:tool|function)(?:s|[ _-]call\w*|[ _-]use)?\b.{0,40}(?:not|n't|un)[ -]?(?:be )?support|tool choice requires|enable-auto-tool-choice|tools param requires|(?:unknown|unrecognized|unexpected|extra).{0,30}\btools?\b/i,
    // What is refused then is one tool's schema, a member of it, or what stands beside the tools.
    unless:
      /\bschema\b|\btools?[.[]|\bfunction ['"`]|\bstrict\b|parallel|stream|response_format|structured output|json mode/i,
    concerns: ({ tools }) => tools.length > 0
  },
  {
    name: "no_json_schema",
    about: "`response_format` of `json_object`; the form stands in the instructions",
    says: /response_format|json_schema|structured output/i,
    concerns: hasForm,
    change: ({ response_format: format, ...body }) =>
      format === undefined ? body : { ...body, response_format: { type: "json_object" } }
  },
  {
    name: "no_response_format",
    about: "no form is asked for beside the instructions",
    says: /response_format|json_object|json mode|output_config|output_format|\bformat\b.{0,40}(?:support|unknown|permitted|allowed)/i,
    concerns: hasForm,
    change: ({ response_format: _, format: __, output_format: ___, output_config: config, ...body }) => {
      const { format: ____, ...left } = Object(config)
      return Object.keys(left).length === 0 ? body : { ...body, output_config: left }
    }
  }
]

/** A value that is out of bounds, or a conversation that is too long: no other way to put the question would help. */
const OUT_OF_BOUNDS =
  /too (?:large|long|big|high|many)|context[ _](?:length|window|size)|\bmaximum\b(?!['"`,])|\bbetween\b|out of range|at most|(?:less|greater) than|exceed/i

/** The habit for which a question was refused that was sent with these; none where the words say nothing that we know. */
export const habitIn = (words: string, question: Question, sentWith: ReadonlySet<HabitName>): Habit | undefined =>
  OUT_OF_BOUNDS.test(words)
    ? undefined
    : HABITS.find(
        ({ name, says, unless, concerns }) =>
          !sentWith.has(name) && says.test(words) && unless?.test(words) !== true && concerns(question)
      )

/** A body as a server with these habits takes it. */
export const changed = (body: Body, habits: ReadonlySet<HabitName>): Body =>
  HABITS.reduce((left, { name, change }) => (habits.has(name) && change !== undefined ? change(left) : left), body)

/** What is learnt of models, in this process. */
export class KnownHabits {
  readonly #known = new Map<string, Set<HabitName>>()
  readonly #suspected = new Set<string>()

  of(model: string): ReadonlySet<HabitName> {
    return this.#known.get(model) ?? NONE
  }

  /** What a request was sent with that has been answered. */
  learn(model: string, habits: Iterable<HabitName>): void {
    this.#known.set(model, new Set([...this.of(model), ...habits]))
  }

  /** That a model takes no tools, until a question without them has been answered or refused. */
  suspectTools(model: string): void {
    this.#suspected.add(model)
    this.learn(model, ["no_tools"])
  }

  /** A question without tools has been answered, or refused as well: then it was not for the tools. */
  judgeTools(model: string, answered: boolean): void {
    if (!this.#suspected.delete(model) || answered) return
    this.#known.set(model, new Set([...this.of(model)].filter((name) => name !== "no_tools")))
  }
}

const NONE: ReadonlySet<HabitName> = new Set()

function withoutSystemRole(body: Body): Body {
  const { messages } = body
  if (!Array.isArray(messages)) return body
  const texts = messages.filter(({ role }) => role === "system").map(({ content }) => String(content))
  const rest = messages.filter(({ role }) => role !== "system")
  const first = rest.findIndex(({ role }) => role === "user")
  if (texts.length === 0 || first === -1) return body
  const content = [...texts, wordsIn(rest[first].content)].join("\n\n")
  return { ...body, messages: rest.map((each, index) => (index === first ? { ...each, content } : each)) }
}

/** The text of a message, whose content may be a list of parts. */
const wordsIn = (content: unknown): string =>
  Array.isArray(content) ? content.map((part) => String(Object(part).text ?? "")).join("\n") : String(content)
