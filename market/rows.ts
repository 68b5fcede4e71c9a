// Text to rows of cells, a piece at a time.
import { parse } from "csv-parse/sync"
import { Result } from "effect"
import { fault, MarketDataError, quoted } from "./errors.ts"
import { isObject, Members, twiceIn } from "./members.ts"

export interface Row {
  /** The line in the file, from 1. */
  readonly line: number
  readonly cells: ReadonlyArray<string>
}

type Rows = Result.Result<ReadonlyArray<Row>, MarketDataError>

/** Takes a text in pieces and gives the rows that are whole. */
export interface RowSource {
  readonly push: (text: string) => Rows
  /** The rest, which no line end follows. */
  readonly end: () => Rows
}

export type Delimiter = "," | ";" | "\t" | "|"
/** The form of a text: cells between delimiters, or a JSON object or list on each line. */
export type Form = Delimiter | "json"

/** The most characters of a row: what is longer is no row of prices. */
const ROW_CHARACTERS_MAX = 64 * 1024

/** The rows of a text, up to the first that is none. */
interface FoundRows {
  readonly rows: ReadonlyArray<Row>
  readonly wrong?: MarketDataError | undefined
}

/** A text that begins somewhere in a file: gives rows with the file's own lines, and keeps what is not whole yet. */
abstract class Pieces implements RowSource {
  #rest = ""
  #lines = 0
  #wrong: MarketDataError | undefined

  protected abstract read(text: string, linesBefore: number): FoundRows
  /** Where the last whole row ends. */
  protected abstract cut(text: string): number

  readonly push = (text: string): Rows => {
    if (this.#wrong !== undefined) return Result.fail(this.#wrong)
    const all = this.#rest + text
    const end = this.cut(all)
    this.#rest = all.slice(end)
    const rows = this.#take(all.slice(0, end))
    if (this.#rest.length <= ROW_CHARACTERS_MAX || Result.isFailure(rows)) return rows
    const open = this.#rest.includes('"')
    const rule = open ? "a quote is opened and never closed" : `the row has more than ${ROW_CHARACTERS_MAX} characters`
    return this.#upTo(rows.success, this.#wrong ?? fault(rule, this.#lines + 1))
  }

  readonly end = (): Rows => {
    if (this.#wrong !== undefined) return Result.fail(this.#wrong)
    const rest = this.#rest
    this.#rest = ""
    return this.#take(rest)
  }

  #take(text: string): Rows {
    if (text === "") return Result.succeed([])
    const { rows, wrong } = this.read(text, this.#lines)
    this.#lines += lineEnds(text)
    return this.#upTo(rows, wrong)
  }

  /** Who needs no more than the rows before what is wrong is not to be refused: it is told when more is asked for. */
  #upTo(rows: ReadonlyArray<Row>, wrong: MarketDataError | undefined): Rows {
    this.#wrong = wrong
    return wrong === undefined || rows.length > 0 ? Result.succeed(rows) : Result.fail(wrong)
  }
}

const lineEnds = (text: string): number => {
  let count = 0
  if (!text.includes("\r")) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++
    return count
  }
  return text.match(/\r\n|\n|\r/g)?.length ?? 0
}

class DelimitedRows extends Pieces {
  readonly #delimiter: Delimiter

  constructor(delimiter: Delimiter) {
    super()
    this.#delimiter = delimiter
  }

  protected cut(text: string): number {
    // The last character may be the first half of a line end.
    const last = Math.max(text.lastIndexOf("\n"), text.length < 2 ? -1 : text.lastIndexOf("\r", text.length - 2)) + 1
    if (!text.includes('"')) return last
    let [end, quotes] = [0, 0]
    for (const line of text.slice(0, last).matchAll(/[^\r\n]*(?:\r\n|\n|\r)/g)) {
      if (quotes % 2 === 1 || !line[0].trimStart().startsWith("#")) quotes += line[0].split('"').length - 1
      if (quotes % 2 === 0) end = line.index + line[0].length
    }
    return end
  }

  protected read(text: string, linesBefore: number): FoundRows {
    const rows: Array<Row> = []
    const parsed = Result.try({
      try: () =>
        parse(text, {
          delimiter: this.#delimiter,
          trim: true,
          skip_empty_lines: true,
          comment: "#",
          comment_no_infix: true,
          // Rows are held to the header's width where the error can say so in our words.
          relax_column_count: true,
          max_record_size: ROW_CHARACTERS_MAX,
          record_delimiter: ["\r\n", "\n", "\r"],
          on_record: (cells: Array<string>, { lines }) => {
            rows.push({ line: linesBefore + lines, cells })
            return null
          }
        }),
      catch: (cause) => quoteFault(cause, linesBefore)
    })
    return { rows, wrong: Result.isFailure(parsed) ? parsed.failure : undefined }
  }
}

/** The library's own words hold what it read, which may be anything and of any length. */
const quoteFault = (cause: unknown, linesBefore: number): MarketDataError => {
  const line = linesBefore + (cause instanceof Error && "lines" in cause ? Number(cause.lines) : 1)
  const code = cause instanceof Error && "code" in cause ? cause.code : ""
  if (code === "CSV_MAX_RECORD_SIZE") return fault(`the row has more than ${ROW_CHARACTERS_MAX} characters`, line)
  return fault(code === "CSV_QUOTE_NOT_CLOSED" ? "a quote is opened and never closed" : "a quote is out of place", line)
}

/**
 * A JSON object or list on each line. The first objects name the columns, all that come in the first piece; the names come as a row of their
 * own before them.
 */
class JsonRows extends Pieces {
  #members: Members | undefined
  #lists: boolean | undefined

  constructor(names: ReadonlyArray<string> | undefined) {
    super()
    this.#members = names === undefined ? undefined : new Members(names)
  }

  protected cut(text: string): number {
    return text.lastIndexOf("\n") + 1
  }

  protected read(text: string, linesBefore: number): FoundRows {
    const values = text
      .split("\n")
      .flatMap((part, index) =>
        part.trim() === "" ? [] : [{ line: linesBefore + index + 1, part, value: parseJson(part) }]
      )
    const objects = values.flatMap(({ value }) => (isObject(value) ? [value] : []))
    const named = this.#members !== undefined || objects.length === 0
    this.#members ??= named ? undefined : Members.of(objects)
    const rows: Array<Row> = []
    for (const { line, part, value } of values) {
      const row = this.#rowOf(value, line, part)
      if (row instanceof MarketDataError) return { rows, wrong: row }
      if (rows.length === 0 && !named) rows.push({ line: line - 1, cells: this.#members?.names ?? [] })
      rows.push(row)
    }
    return { rows }
  }

  #rowOf(value: unknown, line: number, text: string): Row | MarketDataError {
    const list = Array.isArray(value) && value.every(isCell) ? value.map(cellOf) : undefined
    if (list === undefined && !isObject(value)) {
      return fault("is no JSON object or list: one on each line is read, as `jq -c '.[]'` makes them", line)
    }
    this.#lists ??= list !== undefined
    if (this.#lists !== (list !== undefined)) return fault("there are objects and lists: write all lines alike", line)
    if (list !== undefined || !isObject(value)) return { line, cells: list ?? [] }
    const twice = twiceIn(text, value)
    if (twice !== undefined) return fault(`the object names ${quoted(twice)} twice: say which is meant`, line)
    const wrong = this.#members?.wrongIn(value)
    if (wrong !== undefined) return fault(`${wrong}: give all objects the same members`, line)
    return { line, cells: this.#members?.names.map((name) => cellOf(value[name])) ?? [] }
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isCell = (value: unknown): boolean => value === null || typeof value !== "object"

const cellOf = (value: unknown): string =>
  value === null || value === undefined ? "" : typeof value === "object" ? "[…]" : String(value).trim()

/** `names` are those of the members of the first objects, where they are known. */
export const rowSource = (form: Form, names?: ReadonlyArray<string>): RowSource =>
  form === "json" ? new JsonRows(names) : new DelimitedRows(form)

/** Which form a text has, by its first characters; nothing where it is a matter of delimiters. */
export const isJson = (text: string): boolean => /^\s*[[{]/.test(text)

/**
 * The rows of a text, the last of which may be cut off where it is not `whole`. `lenient`: what is wrong below the first rows does not matter
 * yet.
 */
export const rowsOf = (text: string, form: Form, whole: boolean, lenient = false): Rows => {
  const source = rowSource(form)
  // Objects that are known before the first is read name all their members.
  const rows = source.push(whole && form === "json" ? `${text}\n` : text)
  if (Result.isFailure(rows)) return rows
  const rest = whole ? source.end() : source.push("")
  if (Result.isFailure(rest)) return lenient && rows.success.length > 0 ? rows : rest
  return Result.succeed([...rows.success, ...rest.success])
}
