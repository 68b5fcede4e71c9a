import { Context, Effect, Layer, Metric } from "effect"
import { type Actors, Archive } from "../runtime/index.ts"
import { layerOperators } from "../runtime/nats/index.ts"
import { CounterProtocol } from "../test/support/counter.ts"
import { LongPageProtocol, PageProtocol } from "./actors.ts"
import { type BareLoad, bareLoad } from "./bare-load.ts"
import type { Part } from "./part.ts"
import { median, millis, mustBe, percentile, printTable, type Row, ratio } from "./report.ts"
import { measured, openSystem, range, sum } from "./system.ts"

/** Journals of so many records, and so many actors with each. */
const LENGTHS = [0, 1, 10, 100, 1_000] as const
const SAMPLES = 15
/** How many actors get their records at one time. */
const AT_ONCE = 75

/** One kind of actor: how a record comes about, how it is asked without one, and how large its records are. */
interface Kind {
  readonly label: string
  readonly prefix: string
  readonly record: (actors: Actors["Service"], id: string) => Effect.Effect<unknown, unknown>
  readonly get: (actors: Actors["Service"], id: string) => Effect.Effect<number, unknown>
  /** How many records of so many the journal keeps. */
  readonly kept: (length: number) => number
  /** How many records there are to read of so many, and their size in characters, about. */
  readonly stored: (length: number) => { readonly records: number; readonly characters: number }
}

/** The record that replaces the others is every ninety-ninth after the first hundred: it counts as one. */
const sinceSnapshot = (length: number): number => (length < 100 ? length : ((length - 100) % 99) + 1)

const KINDS: ReadonlyArray<Kind> = [
  {
    label: "counter, told: whole in every record",
    prefix: "told",
    kept: sinceSnapshot,
    record: (actors, id) => actors.tell(CounterProtocol, id, "Add", { n: 1 }),
    get: (actors, id) => actors.ask(CounterProtocol, id, "Get", {}),
    stored: (length) => ({ records: Math.min(1, length), characters: 300 })
  },
  {
    label: "counter, asked: 256 answers remembered",
    prefix: "asked",
    kept: sinceSnapshot,
    record: (actors, id) => actors.ask(CounterProtocol, id, "Add", { n: 1 }),
    get: (actors, id) => actors.ask(CounterProtocol, id, "Get", {}),
    stored: (length) => ({ records: length < 12 ? Math.min(1, length) : sinceSnapshot(length), characters: 350 })
  },
  {
    label: "20 kB, snapshot every 100 records",
    prefix: "page",
    kept: sinceSnapshot,
    record: (actors, id) => actors.tell(PageProtocol, id, "Write", { line: 1 }),
    get: (actors, id) => actors.ask(PageProtocol, id, "Get", {}),
    stored: (length) => ({ records: sinceSnapshot(length), characters: 250 })
  },
  {
    label: "20 kB, no snapshot",
    prefix: "long",
    kept: (length) => length,
    record: (actors, id) => actors.tell(LongPageProtocol, id, "Write", { line: 1 }),
    get: (actors, id) => actors.ask(LongPageProtocol, id, "Get", {}),
    stored: (length) => ({ records: length, characters: 250 })
  }
]

/** How long an actor that was passivated takes to answer, by what its journal holds. */
export const recovery: Part = {
  name: "recovery",
  once: true,
  run: ({ url }) => Effect.scoped(measure(url))
}

const measure = (url: string) =>
  Effect.gen(function* () {
    const node = { passivateAfter: "1 second", sweepEvery: "200 millis" } as const
    const { actors, namespace } = yield* openSystem({ url, nodes: "here", node })
    const bare = yield* bareLoad(url, "here")
    yield* bare.asks({ kind: "get", count: 200, atOnce: 1, key: () => "warm" })
    yield* Effect.forEach(cases(), (each) => prepare(actors, each), { concurrency: AT_ONCE, discard: true })
    yield* verifyJournals(url, namespace)
    yield* Effect.repeat(Effect.delay(residents, "100 millis"), { until: (count) => count === 0 })
    const rows = yield* Effect.forEach(LENGTHS, (length) =>
      Effect.forEach(KINDS, (kind) => measureKind(actors, bare, kind, length))
    )
    yield* printTable(
      `Recovery: from an ask without effect to an actor that is not in memory until it answers, ${SAMPLES} actors each; warm is the same ask again.\n` +
        "Bare: reads as many records of that size, parses none, and answers; ratio is bare to ours",
      ["", "journal", "p50", "slowest", "warm", "bare", "ratio"],
      rows.flat().toSorted((one, other) => orderOf(one) - orderOf(other))
    )
    return []
  })

const orderOf = ([label]: Row): number => KINDS.findIndex((kind) => kind.label === label)

interface Case {
  readonly kind: Kind
  readonly length: number
  readonly id: string
}

const idOf = ({ prefix }: Kind, length: number, sample: number): string => `${prefix}-${length}-${sample}`

const cases = (): ReadonlyArray<Case> =>
  KINDS.flatMap((kind) =>
    LENGTHS.toReversed().flatMap((length) =>
      range(SAMPLES).map((sample) => ({ kind, length, id: idOf(kind, length, sample) }))
    )
  )

/** One after the other, so that each has a record of its own. */
const prepare = (actors: Actors["Service"], { kind, length, id }: Case) =>
  Effect.forEach(range(length), () => Effect.andThen(kind.record(actors, id), kind.get(actors, id)), { discard: true })

/** Dies unless each journal holds what is said of it. */
const verifyJournals = (url: string, namespace: string) =>
  Effect.gen(function* () {
    const archive = Context.get(yield* Layer.build(layerOperators({ url, namespace, name: "bench" })), Archive)
    const journals = yield* archive.journals({}, undefined, KINDS.length * LENGTHS.length * SAMPLES)
    const found = new Map(journals.map(({ address, records }) => [address.id, records]))
    for (const { kind, length, id } of cases()) yield* mustBe(`records of ${id}`, found.get(id) ?? 0, kind.kept(length))
  })

const residents = Effect.map(Metric.snapshot, (all) => {
  const gauge = all.find(({ id }) => id === "conclave_resident_actors")
  return gauge?.type === "Gauge" ? Number(gauge.state.value) : Number.NaN
})

const measureKind = (actors: Actors["Service"], bare: BareLoad, kind: Kind, length: number) =>
  Effect.gen(function* () {
    const { records, characters } = kind.stored(length)
    const subject = yield* bare.records(records, characters)
    const cold: Array<number> = []
    const warm: Array<number> = []
    const other: Array<number> = []
    const counts: Array<number> = []
    for (const sample of range(SAMPLES)) {
      const get = kind.get(actors, idOf(kind, length, sample))
      cold.push(yield* measured(Effect.map(get, (count) => counts.push(count))))
      for (const _ of range(3)) warm.push(yield* measured(get))
      const read = yield* measured(
        Effect.flatMap(bare.read(subject), (found) => mustBe("records read", found, records))
      )
      const asked = yield* bare.asks({ kind: "get", count: 1, atOnce: 1, key: () => "warm" })
      other.push(read + (asked[0] ?? 0))
    }
    yield* mustBe(`${kind.label}: counted`, sum(counts), length * SAMPLES)
    const row: Row = [
      kind.label,
      length.toLocaleString("en-US"),
      millis(median(cold)),
      millis(percentile(cold, 1)),
      millis(median(warm)),
      millis(median(other)),
      ratio(median(other), median(cold))
    ]
    return row
  })
