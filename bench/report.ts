import { Console, Effect } from "effect"

/** What the issue of a measurement aims at, and what came out. */
export interface Aim {
  readonly says: string
  readonly value: string
  readonly met: boolean
}

/** One row of a table: what it is of, and its cells. */
export type Row = readonly [label: string, ...cells: ReadonlyArray<string>]

/** How often each measurement is taken, ours and bare in turn. */
export const ROUNDS = 3

export const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

/** The value below which that share of all lies. */
export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

export const perSecond = (count: number, millis: number): number => count / (millis / 1_000)

export const rate = (value: number): string => `${Math.round(value).toLocaleString("en-US")}/s`
export const millis = (value: number): string => `${value < 100 ? value.toFixed(2) : value.toFixed(0)} ms`
export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
export const kibibytes = (bytes: number): string => `${(bytes / 1_024).toFixed(2)} KiB`

export const actorsOf = (count: number): string => (count === 1 ? "1 actor" : `${count.toLocaleString("en-US")} actors`)

/** How fast it is beside another: 1 is as fast, less is slower. Given what each did in a time. */
export const ratio = (ours: number, other: number): string => (ours / other).toFixed(2)

/** The median of the ratios of pairs that were taken one after the other, so that what the machine did falls on both. */
export const pairedRatio = (ours: ReadonlyArray<number>, other: ReadonlyArray<number>): number =>
  median(ours.map((value, index) => value / (other[index] ?? Number.NaN)))

const GAP = 3

/** Prints a table with aligned columns: labels to the left, numbers to the right. */
export const printTable = (
  title: string,
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<Row>
): Effect.Effect<void> => {
  const all: ReadonlyArray<ReadonlyArray<string>> = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)))
  const lines = all.map((row) =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? ""
        return column === 0 ? cell.padEnd(width) : cell.padStart(width + GAP)
      })
      .join("")
      .trimEnd()
  )
  return Console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`)
}

/** Dies unless what was done is what was asked for: a measurement of work that was not done is worth nothing. */
export const mustBe = (what: string, found: number, expected: number): Effect.Effect<void> =>
  found === expected ? Effect.void : Effect.die(new Error(`${what}: ${found} instead of ${expected}`))
