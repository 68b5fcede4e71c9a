// Text to rows of cells, a piece at a time.
import { parse } from "csv-parse/sync"
import { Result } from "effect"
import { fault, type MarketDataError } from "./errors.ts"

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

/** A text that begins somewhere in a file: gives rows with the file's own lines, and keeps what is not whole yet. */
abstract class Pieces implements RowSource {
  #rest = ""
  #lines = 0

  protected abstract read(text: string, linesBefore: number): Rows
  /** Where the last whole row ends. */
  protected abstract cut(text: string): number

  readonly push = (text: string): Rows => {
    const all = this.#rest + text
    const end = this.cut(all)
    this.#rest = all.slice(end)
    if (this.#rest.length > ROW_CHARACTERS_MAX) {
      const open = this.#rest.includes('"')
      const rule = open
        ? "a quote is opened and never closed"
        : `the row has more than ${ROW_CHARACTERS_MAX} characters`
      return Result.fail(fault(rule, this.#lines + lineEnds(all.slice(0, end)) + 1))
    }
    return this.#take(all.slice(0, end))
  }

  readonly end = (): Rows => {
    const rest = this.#rest
    this.#rest = ""
    return this.#take(rest)
  }

  #take(text: string): Rows {
    if (text === "") return Result.succeed([])
    const rows = this.read(text, this.#lines)
    this.#lines += lineEnds(text)
    return rows
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

  protected read(text: string, linesBefore: number): Rows {
    return Result.try({
      try: () => {
        const rows: Array<Row> = []
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
        })
        return rows
      },
      catch: (cause) => quoteFault(cause, linesBefore)
    })
  }
}

/** The library's own words hold what it read, which may be anything and of any length. */
const quoteFault = (cause: unknown, linesBefore: number): MarketDataError => {
  const line = linesBefore + (cause instanceof Error && "lines" in cause ? Number(cause.lines) : 1)
  const code = cause instanceof Error && "code" in cause ? cause.code : ""
  if (code === "CSV_MAX_RECORD_SIZE") return fault(`the row has more than ${ROW_CHARACTERS_MAX} characters`, line)
  return fault(code === "CSV_QUOTE_NOT_CLOSED" ? "a quote is opened and never closed" : "a quote is out of place", line)
}

/** A JSON object or list on each line. The first object names the columns; they come as a row of their own before it. */
class JsonRows extends Pieces {
  #names: ReadonlyArray<string> | undefined

  protected cut(text: string): number {
    return text.lastIndexOf("\n") + 1
  }

  protected read(text: string, linesBefore: number): Rows {
    const rows: Array<Row> = []
    for (const [index, part] of text.split("\n").entries()) {
      if (part.trim() === "") continue
      const line = linesBefore + index + 1
      const value = parseJson(part)
      if (Array.isArray(value) && value.every(isCell)) rows.push({ line, cells: value.map(cellOf) })
      else if (typeof value === "object" && value !== null && !Array.isArray(value))
        rows.push(...this.#rowsOf(new Map(Object.entries(value)), line))
      else
        return Result.fail(
          fault("is no JSON object or list: one on each line is read, as `jq -c '.[]'` makes them", line)
        )
    }
    return Result.succeed(rows)
  }

  #rowsOf(members: ReadonlyMap<string, unknown>, line: number): ReadonlyArray<Row> {
    const first = this.#names === undefined
    const names = this.#names ?? [...members.keys()]
    this.#names = names
    const row = { line, cells: names.map((name) => cellOf(members.get(name))) }
    return first ? [{ line: line - 1, cells: names }, row] : [row]
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

export const rowSource = (form: Form): RowSource => (form === "json" ? new JsonRows() : new DelimitedRows(form))

/** Which form a text has, by its first characters; nothing where it is a matter of delimiters. */
export const isJson = (text: string): boolean => /^\s*[[{]/.test(text)

/** The rows of a text, the last of which may be cut off where it is not `whole`. */
export const rowsOf = (text: string, form: Form, whole: boolean): Rows => {
  const source = rowSource(form)
  const rows = source.push(text)
  if (Result.isFailure(rows) || !whole) return rows
  return Result.map(source.end(), (rest) => [...rows.success, ...rest])
}
