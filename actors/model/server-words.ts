// What servers say went wrong, in whatever shape they say it.
import { Option } from "effect"

const parse = Option.liftThrowable((text: string): unknown => JSON.parse(text))

/** The words of an error's body: where it is JSON those that mean something, else the text itself; nothing of a page for browsers. */
export const serverWords = (body: string): string | undefined => {
  const json = parse(body)
  if (Option.isSome(json)) return sentenceIn(json.value)
  const title = /<title>([^<]{1,200})<\/title>/i.exec(body)?.[1]
  return /^\s*</.test(body) ? nonEmpty(title) : nonEmpty(body)
}

const WORDS_MAX = 1_000

/**
 * What a server says against a request: its own sentence, and where FastAPI says so the member that it is about. What it was sent and
 * repeats is left out, as that is no word of its own.
 */
export const refusalWords = (body: string): string | undefined => {
  const words = serverWords(body)
  if (words === undefined) return undefined
  const { detail } = Object(Option.getOrUndefined(parse(body)))
  const { loc } = Object(Array.isArray(detail) ? detail[0] : undefined)
  const place = Array.isArray(loc) ? `${loc.join(".")}: ` : ""
  return `${place}${words.split(ECHO, 1)[0]}`.slice(0, WORDS_MAX)
}

/** Where Pydantic begins to repeat what it was given, in a sentence of its own. */
const ECHO = /['"]?\binput(?:_value)?['"]?\s*[:=]/

/** Where the words stand, the best place first. */
const PLACES = [
  "message",
  "msg",
  "detail",
  "error_description",
  "description",
  "reason",
  "title",
  "error",
  "errors",
  "choices"
]

/** How deep words are looked for. */
const LEVELS_MAX = 5

const sentenceIn = (value: unknown, level = 0): string | undefined => {
  if (typeof value === "string") return nonEmpty(value)
  if (typeof value !== "object" || value === null || level === LEVELS_MAX) return undefined
  if (Array.isArray(value)) {
    return first(value.slice(0, 3), (each) => sentenceIn(each, level + 1))
  }
  const error = Object(value)
  // Who only hands requests on says what another said.
  const behind = sentenceIn(parsed(Object(error.metadata).raw), level + 1)
  // The inner words of an `error` go before the outer ones beside it, which often only name the kind.
  const inner = typeof error.error === "object" ? sentenceIn(error.error, level + 1) : undefined
  const own = inner ?? first(PLACES, (place) => sentenceIn(error[place], level + 1))
  return behind === undefined ? own : own === undefined ? behind : `${own}: ${behind}`
}

const parsed = (value: unknown): unknown =>
  typeof value === "string" ? Option.getOrElse(parse(value), () => value) : value

const first = <A>(all: ReadonlyArray<A>, find: (each: A) => string | undefined): string | undefined => {
  for (const each of all) {
    const found = find(each)
    if (found !== undefined) return found
  }
  return undefined
}

const nonEmpty = (text: string | undefined): string | undefined =>
  text === undefined || text.trim() === "" ? undefined : text.trim()

const RATE_LIMITED = 429
const FAILED = 500

/** The status that a body means which came with 200 and holds an error in place of an answer; nothing where it is an answer. */
export const errorInside = (json: unknown): number | undefined => {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined
  const { error, object, type, choices, message, content, code } = Object(json)
  const [choice] = Array.isArray(choices) ? choices : []
  const said = error ?? Object(choice).error
  const named = object === "error" || type === "error"
  const answers = Object(choice).message ?? Object(message).content ?? (Array.isArray(content) ? content : undefined)
  if (!named && (said === undefined || said === null || answers !== undefined)) return undefined
  const status = [Object(said).code, Object(said).status, code].map(Number).find((each) => each >= 400 && each < 600)
  if (status !== undefined) return status
  return /rate.?limit|quota|too many requests/i.test(JSON.stringify(said ?? json)) ? RATE_LIMITED : FAILED
}

/** Whether a refusal says that there is no more to be had for the key, whatever its status: asking again soon cannot help. */
export const isOutOfCredit = (body: string): boolean =>
  /insufficient_quota|insufficient[ _]balance|credit balance|exceeded your current quota|billing|payment required/i.test(
    body
  )
