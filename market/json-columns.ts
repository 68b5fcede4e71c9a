// A JSON object of columns, as chart interfaces answer: `{"t":[…],"o":[…],…,"s":"ok"}`. It is read as a row of each place.
import { Effect, Result, Stream } from "effect"
import { fault, type MarketDataError, quoted } from "./errors.ts"
import { isObject, type JsonObject, twiceIn } from "./members.ts"
import { fieldOf } from "./names.ts"

/** Such an object has to be held in memory: some million bars. */
const CHARACTERS_MAX = 128 * 1024 * 1024

/** Where a list is the value of a member that a bar has. */
const COLUMN = /"((?:[^"\\]|\\.)*)"\s*:\s*\[/g

/** Whether a text begins with an object that holds a column. */
const beginsWithColumns = (sample: string): boolean => {
  if (!/^\s*\{/.test(sample)) return false
  const end = sample.indexOf("}")
  const first = end < 0 ? sample : sample.slice(0, end)
  return [...first.matchAll(COLUMN)].some(([, name = ""]) => fieldOf(name) !== undefined)
}

/**
 * The same as a JSON object on each line, where a text is one object of columns; nothing where it is none. Fails where its columns are not of
 * one length, and where it says that there are no data.
 */
export const linesOfColumns = <E>(
  text: Stream.Stream<string, E>,
  sample: string,
  whole: boolean
): Effect.Effect<Stream.Stream<string> | undefined, E | MarketDataError> =>
  Effect.gen(function* () {
    if (!beginsWithColumns(sample)) return whole ? yield* withoutData(sample) : undefined
    const all = yield* wholeOf(text)
    const object = parsed(all)
    if (object === undefined) return undefined
    const twice = twiceIn(all, object)
    if (twice !== undefined) return yield* fault(`the object names ${quoted(twice)} twice`)
    const lines = yield* Effect.fromResult(rowsOf(object))
    return Stream.fromIterable(lines)
  })

const wholeOf = <E>(text: Stream.Stream<string, E>): Effect.Effect<string, E | MarketDataError> =>
  Effect.suspend(() => {
    let all = ""
    return text.pipe(
      Stream.runForEach((part) => {
        all += part
        return all.length <= CHARACTERS_MAX
          ? Effect.void
          : Effect.fail(
              fault(`an object of columns is held in memory, and has to be of ${CHARACTERS_MAX} characters at most`)
            )
      }),
      Effect.map(() => all)
    )
  })

const parsed = (text: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** A server that has nothing says so in place of columns. */
const withoutData = (text: string): Effect.Effect<undefined, MarketDataError> => {
  const object = /^\s*\{/.test(text) ? parsed(text) : undefined
  const said = object === undefined ? undefined : statusOf(object)
  return said === undefined ? Effect.succeed(undefined) : Effect.fail(said)
}

const statusOf = (object: JsonObject): MarketDataError | undefined => {
  const { s, errmsg, error } = object
  if (typeof s !== "string" || s === "ok") return undefined
  const why = [errmsg, error].find((each) => typeof each === "string")
  const more = typeof why === "string" ? `, ${quoted(why)}` : ""
  return fault(`there are no prices in it: the server's answer says ${quoted(s)}${more}`)
}

const rowsOf = (object: JsonObject): Result.Result<ReadonlyArray<string>, MarketDataError> => {
  const said = statusOf(object)
  if (said !== undefined) return Result.fail(said)
  const members = Object.entries(object).filter(([name]) => fieldOf(name) !== undefined)
  const columns = members.flatMap(([name, value]) => (Array.isArray(value) ? [{ name, value }] : []))
  const same = members.filter(([, value]) => !Array.isArray(value) && typeof value !== "object")
  const [first] = columns
  const other = columns.find(({ value }) => value.length !== first?.value.length)
  if (first !== undefined && other !== undefined) {
    const [one, two] = [first, other].map(({ name, value }) => `${quoted(name)} has ${value.length} values`)
    return Result.fail(fault(`the columns are not of one length: ${one}, ${two}`))
  }
  return Result.succeed(
    (first?.value ?? []).map((_, at) => {
      const row = [...same, ...columns.map(({ name, value }) => [name, value[at]] as const)]
      return `${JSON.stringify(Object.fromEntries(row))}\n`
    })
  )
}
