import { Schema } from "effect"

/** What is wrong with a file of prices: where, which rule it breaks, and what can be done about it. */
export class MarketDataError extends Schema.TaggedError<MarketDataError>()("MarketDataError", {
  /** The line in the file, from 1; none where it is the file as a whole. Of a row that spans lines, the last one. */
  line: Schema.optionalKey(Schema.Int),
  /** The column, as its place in a bar is called: `date`, `open`, `high`, … */
  column: Schema.optionalKey(Schema.String),
  rule: Schema.String
}) {
  override get message() {
    if (this.line === undefined) return this.rule
    return `line ${this.line}${this.column === undefined ? "" : `, column ${this.column}`}: ${this.rule}`
  }
}

export const fault = (rule: string, line?: number, column?: string): MarketDataError =>
  new MarketDataError({
    rule,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column })
  })

const CHARACTERS_MAX = 40
const STEERING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** What a file holds, in quotes, cut, and with everything written out that could steer a terminal or turn its text around. */
export const quoted = (text: string): string => {
  const characters = [...text.slice(0, 2 * CHARACTERS_MAX)]
  const cut = characters.length > CHARACTERS_MAX ? `${characters.slice(0, CHARACTERS_MAX).join("")}…` : text
  return JSON.stringify(cut).replace(STEERING, (each) =>
    Array.from({ length: each.length }, (_, at) => `\\u${each.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")
  )
}

/** Names in quotes, and how many more there are. */
export const listed = (names: ReadonlyArray<string>, most = 12): string => {
  const more = names.length > most ? ` and ${names.length - most} more` : ""
  return names.slice(0, most).map(quoted).join(", ") + more
}
