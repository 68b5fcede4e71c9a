// The stylized facts of series of prices, of one or of many together, for people and for programs.
import { type Fact, type Facts, spreadOf } from "../../sim/index.ts"
import { table } from "../table.ts"

/** A market from several seeds, at least one. */
export interface SimulatedFacts {
  readonly name: string
  readonly series: ReadonlyArray<Facts>
}

export interface FileFacts {
  readonly file: string
  readonly facts: Facts
}

export interface FactsReport {
  readonly seeds: { readonly first: number; readonly count: number }
  readonly simulated: ReadonlyArray<SimulatedFacts>
  readonly files: ReadonlyArray<FileFacts>
}

interface Row {
  readonly title: string
  readonly values: (facts: Facts) => ReadonlyArray<Fact>
  readonly digits: number
  readonly isPercent?: boolean
  /** Of a single series, how far the fact is off by chance. */
  readonly error?: (facts: Facts) => Fact
}

const ROWS: ReadonlyArray<Row> = [
  { title: "volatility of a bar", values: ({ volatility }) => [volatility], digits: 2, isPercent: true },
  {
    ...{ title: "tail index (Hill)", values: ({ tailIndex }) => [tailIndex], digits: 1 },
    error: ({ tailIndexError }) => tailIndexError
  },
  { title: "kurtosis over 1, 5, 20 bars", values: ({ kurtosis }) => kurtosis, digits: 1 },
  { title: "autocorrelation of returns", values: ({ returnMemory }) => [returnMemory], digits: 3 },
  { title: "… of their sizes at 1, 5, 20", values: ({ volatilityMemory }) => volatilityMemory, digits: 2 },
  { title: "leverage", values: ({ leverage }) => [leverage], digits: 3 },
  { title: "volume with size of return", values: ({ volumeVolatility }) => [volumeVolatility], digits: 2 },
  { title: "variance between close and open", values: ({ gapShare }) => [gapShare], digits: 0, isPercent: true },
  { title: "high to low, in volatilities", values: ({ range }) => [range], digits: 2 }
]

/** Of several values of one fact; null where no series shows it. */
const spread = (values: ReadonlyArray<Fact>) => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : spreadOf(known)
}

/** The same place of what each of several series has. */
const across = (series: ReadonlyArray<Facts>, values: (facts: Facts) => ReadonlyArray<Fact>) =>
  values(series[0]!).map((_, at) => spread(series.map((facts) => values(facts)[at] ?? null)))

const numberOf = (value: Fact, { digits, isPercent = false }: Row): string =>
  value === null ? "-" : isPercent ? `${(100 * value).toFixed(digits)}%` : value.toFixed(digits)

const oneText = (facts: Facts, row: Row): string => {
  const found = row.values(facts).map((value) => numberOf(value, row))
  const error = row.error?.(facts) ?? null
  return error === null ? found.join(", ") : `${found.join(", ")} ± ${numberOf(error, row)}`
}

const manyText = (series: ReadonlyArray<Facts>, row: Row): string =>
  across(series, row.values)
    .map((found) => (found === null ? "-" : `${numberOf(found.mean, row)} ± ${numberOf(found.deviation, row)}`))
    .join(", ")

/** Mean absolute returns by the hour, over all series. */
const hoursOf = (series: ReadonlyArray<Facts>): Facts["hours"] =>
  across(series, ({ hours }) => hours).map((found) => found?.mean ?? null)

const hoursText = (hours: Facts["hours"]): string => {
  const known = hours.flatMap((value, hour) => (value === null ? [] : [{ hour, value }]))
  if (known.length < 2) return "-"
  const sorted = known.toSorted((a, b) => b.value - a.value)
  const show = ({ hour, value }: { hour: number; value: number }) => `${value.toFixed(1)} at ${hour}h`
  return `${show(sorted[0]!)}, ${show(sorted.at(-1)!)}`
}

/** A column for each simulated market and each file. */
export const factsText = ({ seeds, simulated, files }: FactsReport): string => {
  const isOne = seeds.count === 1
  const barsText = ([first]: ReadonlyArray<Facts>) => `${isOne ? "" : `${seeds.count} × `}${first!.bars}`
  const rows = [
    ["bars", ...simulated.map(({ series }) => barsText(series)), ...files.map(({ facts }) => String(facts.bars))],
    ...ROWS.map((row) => [
      row.title,
      ...simulated.map(({ series }) => (isOne ? oneText(series[0]!, row) : manyText(series, row))),
      ...files.map(({ facts }) => oneText(facts, row))
    ]),
    [
      "busiest to quietest hour",
      ...simulated.map(({ series }) => hoursText(hoursOf(series))),
      ...files.map(({ facts }) => hoursText(facts.hours))
    ]
  ]
  const names = [...simulated.map(({ name }) => name), ...files.map(({ file }) => file.split("/").at(-1)!)]
  const about = isOne
    ? `Seed ${seeds.first}; ± is the estimate's standard error.`
    : `Seeds ${seeds.first} to ${seeds.first + seeds.count - 1}: mean ± standard deviation over the seeds, of simulated markets; of a file ± is the estimate's standard error.`
  return `${table(["", ...names], rows)}\n\n${about}`
}

const factsData = (facts: Facts) => ({
  volatility: facts.volatility,
  tail_index: facts.tailIndex,
  tail_index_error: facts.tailIndexError,
  kurtosis: facts.kurtosis,
  return_memory: facts.returnMemory,
  volatility_memory: facts.volatilityMemory,
  leverage: facts.leverage,
  volume_volatility: facts.volumeVolatility,
  gap_share: facts.gapShare,
  range: facts.range,
  hours: facts.hours
})

const spreadData = (series: ReadonlyArray<Facts>) => {
  const of = (value: (facts: Facts) => Fact) => spread(series.map(value))
  return {
    volatility: of(({ volatility }) => volatility),
    tail_index: of(({ tailIndex }) => tailIndex),
    kurtosis: across(series, ({ kurtosis }) => kurtosis),
    return_memory: of(({ returnMemory }) => returnMemory),
    volatility_memory: across(series, ({ volatilityMemory }) => volatilityMemory),
    leverage: of(({ leverage }) => leverage),
    volume_volatility: of(({ volumeVolatility }) => volumeVolatility),
    gap_share: of(({ gapShare }) => gapShare),
    range: of(({ range }) => range),
    hours: hoursOf(series)
  }
}

/** The same for programs: of simulated markets the spread over the seeds, of files the facts; null for what is not shown. */
export const factsJson = ({ seeds, simulated, files }: FactsReport) => ({
  seeds,
  simulated: simulated.map(({ name, series }) => ({ name, bars: series[0]!.bars, facts: spreadData(series) })),
  files: files.map(({ file, facts }) => ({ file, bars: facts.bars, facts: factsData(facts) }))
})
