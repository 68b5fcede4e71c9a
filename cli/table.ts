// Texts for people: tables whose columns stand under each other, times, and what others wrote made harmless.

import { inspect } from "node:util"
import { forTerminal } from "./escaping.ts"

/** A table's cell; numbers stand on the right. */
export type Cell = string | number

const GAP = "  "

/** Rows under a line of headings. The last column is as wide as its cells. */
export const table = (headings: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>): string => {
  const all = [headings, ...rows.map((row) => row.map((cell) => forTerminal(String(cell)).replaceAll("\n", " ")))]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => lengthOf(row[column] ?? ""))))
  const right = headings.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"))
  const lines = all.map((row) =>
    row
      .map((cell, column) => {
        const padding = " ".repeat((widths[column] ?? 0) - lengthOf(cell))
        return right[column] ? padding + cell : cell + padding
      })
      .join(GAP)
      .trimEnd()
  )
  return lines.join("\n")
}

const lengthOf = (text: string): number => [...text].length

/** A text in one line, of at most so many characters, that cannot steer the terminal. */
export const plain = (text: string, charactersMax = Number.POSITIVE_INFINITY): string => {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim()
  const characters = [...line]
  return characters.length <= charactersMax ? line : `${characters.slice(0, charactersMax - 1).join("")}…`
}

/** A time in milliseconds since 1970, to the second, in UTC. */
export const timeText = (millis: number): string => {
  const date = new Date(millis)
  return Number.isNaN(date.getTime()) ? String(millis) : date.toISOString().replace(/\.\d+Z$/, "Z")
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60]
] as const

/** How long, in its largest unit: `3 d`, `2 h`, `5 min`, `0.4 s`. */
export const durationText = (seconds: number): string => {
  const unit = UNITS.find(([, size]) => seconds >= size)
  if (unit !== undefined) return `${Math.floor(seconds / unit[1])} ${unit[0]}`
  return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`
}

/** `1 message`, `2 messages`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

/** Lines moved to the right. */
export const indented = (text: string, by = "  "): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? line : by + line))
    .join("\n")

/** Data for people: long lists and texts are cut, and what could steer the terminal is written out. */
export const dataText = (data: unknown): string =>
  forTerminal(inspect(data, { depth: 8, compact: 3, breakLength: 110, maxArrayLength: 5, maxStringLength: 500 }))
