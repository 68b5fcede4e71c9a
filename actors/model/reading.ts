// What models say is read with patience, by rules that docs/MODELS.md states; whether it is what was asked for is then for a schema to say.
import { Option, Result } from "effect"

/** What had to be read in another way than it stands there. */
export type Licence =
  /** Thoughts, words or a fence of Markdown stood round it. */
  | "surroundings"
  /** A member was named, or a word written, in other letters. */
  | "letters"
  | "numbers_as_text"
  | "percent"
  | "nulls"
  /** There were members that nobody asked for. */
  | "extra_members"
  /** JSON stood in a text. */
  | "json_as_text"

export interface FoundAnswer {
  readonly value: { readonly [name: string]: unknown }
  readonly licences: ReadonlyArray<Licence>
}

/** Where thoughts end: models that think aloud may leave out where they begin, which their server took away. */
const THOUGHTS_END = /<\/(?:think|thinking|thought|reasoning)>/gi
const THOUGHTS_BEGIN = /^\s*<(?:think|thinking|thought|reasoning)>/i

/** The text without the thoughts before it; nothing of one that breaks off in them. */
export const withoutThoughts = (text: string): string => {
  const last = [...text.matchAll(THOUGHTS_END)].at(-1)
  if (last !== undefined) return text.slice(last.index + last[0].length)
  return THOUGHTS_BEGIN.test(text) ? "" : text
}

/**
 * The one JSON object in a text, or why there is none. Thoughts before it are left out; it may stand among words, in a fence, or be
 * JSON once more in a text. Of several objects those count that have `member`; they must say the same.
 */
export const findObject = (text: string, member: string): Result.Result<FoundAnswer, string> => {
  const bare = withoutThoughts(text)
  const surrounded: ReadonlyArray<Licence> = bare.length === text.length ? [] : ["surroundings"]
  const whole = parse(bare)
  if (Option.isSome(whole)) {
    const { value, unpacked } = unpack(whole.value)
    if (!isObject(value)) return Result.fail("must be a JSON object")
    return Result.succeed({ value, licences: unpacked ? [...surrounded, "json_as_text"] : surrounded })
  }
  const objects = objectsIn(bare)
  const meant = objects.filter(({ value }) => Object.keys(value).some((name) => name.trim().toLowerCase() === member))
  const [first, ...others] = meant.length > 0 ? meant : objects
  if (first === undefined) return Result.fail("must be one JSON object and nothing else")
  if (others.some(({ written }) => written !== first.written)) {
    return Result.fail("must be one JSON object: there are several, and they differ")
  }
  return Result.succeed({ value: first.value, licences: ["surroundings"] })
}

const parse = (text: string): Option.Option<unknown> => Option.liftThrowable((): unknown => JSON.parse(text))()

const unpack = (value: unknown): { readonly value: unknown; readonly unpacked: boolean } => {
  const inner = typeof value === "string" ? parse(value) : Option.none()
  return Option.isSome(inner) ? { value: inner.value, unpacked: true } : { value, unpacked: false }
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A brace in the words before an object may open nothing: from so many of them on it is begun anew. */
const BEGINNINGS_MAX = 16

interface Standing {
  readonly value: { readonly [name: string]: unknown }
  /** As it stands there, without blanks. */
  readonly written: string
}

/** The objects that stand in a text, outermost ones, in order. */
const objectsIn = (text: string): ReadonlyArray<Standing> => {
  const found: Array<Standing> = []
  let from = text.indexOf("{")
  for (let begun = 0; from !== -1 && begun < BEGINNINGS_MAX; ) {
    const end = endOf(text, from)
    const written = text.slice(from, end)
    const value = end === undefined ? Option.none() : parse(written)
    if (Option.isSome(value) && isObject(value.value)) {
      found.push({ value: value.value, written: written.replace(/\s/g, "") })
    } else begun++
    from = text.indexOf("{", Option.isSome(value) && end !== undefined ? end : from + 1)
  }
  return found
}

/** Where the object ends that begins at a brace. Braces in its texts do not count. */
const endOf = (text: string, from: number): number | undefined => {
  let depth = 0
  let quoted = false
  for (let at = from; at < text.length; at++) {
    const character = text[at]
    if (quoted) {
      if (character === "\\") at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === "{") depth++
    else if (character === "}" && --depth === 0) return at + 1
  }
  return undefined
}

/** A number that may stand in quotes, with a percent sign after it or not; what it is not stays as it is. */
export const numberIn = (value: unknown): { readonly value: unknown; readonly licences: ReadonlyArray<Licence> } => {
  if (typeof value !== "string") return { value, licences: [] }
  const [, digits, sign] = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(%?)\s*$/i.exec(value) ?? []
  if (digits === undefined) return { value, licences: [] }
  return sign === "%"
    ? { value: Number(digits) / 100, licences: ["numbers_as_text", "percent"] }
    : { value: Number(digits), licences: ["numbers_as_text"] }
}

/**
 * The members of an object that are known by these names, whatever letters they are written in; the rest and what is `null` is left
 * out. `ignored` names what was there and is not known.
 */
export const membersOf = (object: { readonly [name: string]: unknown }, names: ReadonlyArray<string>) => {
  const members = new Map<string, unknown>()
  const licences = new Set<Licence>()
  const ignored: Array<string> = []
  for (const [given, value] of Object.entries(object)) {
    const name = names.find((each) => each.toLowerCase() === given.trim().toLowerCase())
    if (name === undefined) {
      ignored.push(given)
      licences.add("extra_members")
    } else if (value === null) {
      licences.add("nulls")
    } else if (given === name || !members.has(name)) {
      // A name that is written as it should be goes before one that is not.
      members.set(name, value)
      if (given !== name) licences.add("letters")
    }
  }
  return { members, licences: [...licences], ignored }
}

/**
 * What a model gives to a tool: an object, or one as text; numbers may stand in quotes, and what is `null` counts as not given. Members
 * that the tool does not know are left out and named.
 */
export const readParameters = (
  given: unknown,
  names: ReadonlyArray<string>,
  isNumber: (name: string) => boolean
): { readonly parameters: unknown; readonly ignored: ReadonlyArray<string> } => {
  const text = typeof given === "string" ? given.trim() : undefined
  const value = text === undefined ? (given ?? {}) : text === "" ? {} : Option.getOrElse(parse(text), () => given)
  if (!isObject(value)) return { parameters: value, ignored: [] }
  const { members, ignored } = membersOf(value, names)
  const parameters = Object.fromEntries(
    [...members].map(([name, member]) => [name, isNumber(name) ? numberIn(member).value : member])
  )
  return { parameters, ignored }
}
