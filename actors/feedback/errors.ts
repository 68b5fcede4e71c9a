// Failures grouped by what they say.
import { type ErrorPattern, toTimestamp } from "../../protocols/index.ts"
import type { Execution } from "./state.ts"

/** What of an error's text is kept, in characters. */
export const ERROR_CHARACTERS_MAX = 160
/** How many patterns a report shows, the most frequent first. */
export const PATTERNS_MAX = 10

/** A text without what differs between failures of one cause: ids, quoted words, addresses and numbers. */
export const patternOf = (text: string): string =>
  text
    .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, "<id>")
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, "<id>")
    .replace(/\bhttps?:\/\/\S+/g, "<url>")
    .replace(/"[^"]*"|(?<!\w)'[^']*'(?!\w)/g, "<text>")
    .replace(/\b0x[0-9a-f]+\b/gi, "#")
    .replace(/[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?/gi, "#")

/** The patterns of the failures among some executions, the most frequent first; of two equally frequent ones, the latest. */
export const errorPatterns = (window: ReadonlyArray<Execution>): ReadonlyArray<typeof ErrorPattern.Type> => {
  const failures = window.filter(({ status }) => status !== "success")
  const groups = new Map<string, { pattern: string; count: number; last: Execution }>()
  for (const failure of failures) {
    const pattern = failure.error === undefined ? failure.status : patternOf(failure.error)
    const key = `${failure.kind} ${pattern}`
    groups.set(key, { pattern, count: (groups.get(key)?.count ?? 0) + 1, last: failure })
  }
  return [...groups.values()]
    .toSorted((a, b) => b.count - a.count || b.last.at - a.last.at)
    .slice(0, PATTERNS_MAX)
    .map(({ pattern, count, last }) => ({
      pattern,
      kind: last.kind ?? null,
      count,
      share: count / failures.length,
      last_at: toTimestamp(last.at),
      example: last.error ?? last.status
    }))
}
