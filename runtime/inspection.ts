import { Clock, Effect, Schema } from "effect"
import type { Actor } from "./actor.ts"
import { type Address, addressFault, formatAddress, type InvalidAddress } from "./address.ts"
import type { ArchiveReads } from "./archive.ts"
import type { Controls, Pause } from "./controls.ts"
import { type DeadLetter, readLetter } from "./dead-letters.ts"
import { type ActorState, applyRecord, emptyActor } from "./engine/step/actor-state.ts"
import { type Compiled, compile } from "./engine/step/compiled.ts"
import type { ReadError } from "./errors.ts"
import { type CommitRecord, parseRecord, type StepRecord } from "./journal.ts"
import type { Membership } from "./leases.ts"
import type { JournalRecord, LogStorage } from "./log.ts"

/** An actor of which there is nothing: no journal, no mail, no dead letter, no pause. */
export class NoSuchActor extends Schema.TaggedError<NoSuchActor>()("NoSuchActor", { actor: Schema.String }) {
  override get message() {
    return `there is nothing of ${this.actor}: no journal, no mail, no dead letter`
  }
}

/** A journal record as it is stored. `steps` are what can be read of it. */
export interface InspectedRecord {
  readonly sequence: number
  /** The JSON, or the text where it is none. */
  readonly content: unknown
  readonly steps: ReadonlyArray<StepRecord>
}

/** An actor as the log knows it. Times are in milliseconds since 1970. */
export interface Inspection {
  readonly address: Address
  /** The state as JSON: of now where the actor's definition was given, else that of the last snapshot. */
  readonly state: unknown
  readonly stateOf: "now" | "snapshot" | "nothing"
  /** The sequence of the last message whose effects are in the journal; 0 for none. */
  readonly consumed: number
  /** `at` is missing where it has fired, and the firing waits in the mailbox. */
  readonly timers: ReadonlyArray<{ readonly name: string; readonly at: number | undefined }>
  readonly activities: ReadonlyArray<{
    readonly key: string
    readonly activity: string
    readonly input: unknown
    readonly correlation: string
  }>
  /** The newest records, oldest first. */
  readonly records: ReadonlyArray<InspectedRecord>
  /** Why the journal cannot be read to its end, if so: what is said above is then what came before. */
  readonly fault: string | undefined
  /** Messages after `consumed`. One that had no effect counts until it is removed, a few seconds later. */
  readonly backlog: { readonly waiting: number; readonly secondsBehind: number }
  readonly pause: Pause | undefined
  /** The newest dead letters, oldest first. */
  readonly letters: ReadonlyArray<DeadLetter>
}

export interface InspectOptions {
  /** With it the state is that of now. */
  readonly definition?: Actor | undefined
  /** How many records and dead letters to show; 10 unless given. */
  readonly last?: number
}

/** What an inspection reads. */
export interface Sources {
  readonly log: Pick<LogStorage, "readJournal" | "shards">
  readonly archive: ArchiveReads
  readonly controls: Pick<Controls["Service"], "read">
  /** Who is alive, and who holds what, as it is now. */
  readonly membership: Effect.Effect<Membership, ReadError>
}

const LAST = 10
const PAGE = 500

/** Reads all there is of an actor. It only reads: the actor does not notice. What changes meanwhile may be seen in part. */
export const inspect = Effect.fn("Operators.inspect")(function* (
  { log, archive, controls }: Sources,
  address: Address,
  { definition, last = LAST }: InspectOptions
): Effect.fn.Return<Inspection, ReadError | NoSuchActor | InvalidAddress> {
  const invalid = addressFault(address)
  if (invalid !== undefined) return yield* invalid
  const folded = fold(address, definition, yield* log.readJournal(address))
  const { core } = folded
  const newest = yield* lastOf(last, (after) => archive.history(address, after, PAGE))
  const letters = yield* lastOf(last, (after) => archive.letters(address, after, PAGE))
  const backlog = yield* archive.backlog(address, core.consumed)
  const firings = core.timers.size === 0 ? new Map<string, number>() : yield* archive.timers(address)
  const pauses = yield* controls.read
  const pause = pauses.of(address)
  if (newest.length + letters.length + backlog.waiting === 0 && pause === undefined) {
    return yield* new NoSuchActor({ actor: formatAddress(address) })
  }
  const now = yield* Clock.currentTimeMillis
  const { state, stateOf, fault } = stateFrom(folded, definition !== undefined)
  return {
    address,
    state,
    stateOf,
    consumed: core.consumed,
    timers: [...core.timers.keys()].map((name) => ({ name, at: firings.get(name) })),
    activities: [...core.activities].map(([key, { activity, input, correlation }]) => ({
      key,
      activity,
      input,
      correlation
    })),
    records: newest.map(readable),
    fault,
    backlog: { waiting: backlog.waiting, secondsBehind: secondsBehind(now, backlog.oldest) },
    pause,
    letters: letters.map(readLetter)
  }
})

/** How long the oldest message has waited, in seconds; 0 where none waits. */
export const secondsBehind = (now: number, oldest: number | undefined): number =>
  oldest === undefined ? 0 : Math.max(0, (now - oldest) / 1_000)

/** The sequence of the last message whose effects are in a journal, for which no definition is needed. */
export const consumedOf = (address: Address, records: ReadonlyArray<JournalRecord>): number =>
  fold(address, undefined, records).core.consumed

interface Folded {
  readonly compiled: Compiled
  readonly core: ActorState
  readonly snapshots: number
  readonly fault: string | undefined
}

/** Goes as far as the journal can be read. */
const fold = (address: Address, definition: Actor | undefined, records: ReadonlyArray<JournalRecord>): Folded => {
  const compiled = compile(definition ?? anyActor(address.type))
  const core = emptyActor(compiled, address)
  let snapshots = 0
  for (const { sequence, payload } of records) {
    try {
      const record = parseRecord(payload)
      applyRecord(compiled, core, definition === undefined ? withoutEvents(record) : record)
      if (record.snapshot !== undefined) snapshots++
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      return { compiled, core, snapshots, fault: `record ${sequence} cannot be read: ${reason}` }
    }
  }
  return { compiled, core, snapshots, fault: undefined }
}

/** Takes any snapshot as it is. What events do it does not know. */
const anyActor = (type: string): Actor => ({
  type,
  definition: {
    protocol: { type, messages: {} },
    state: Schema.Unknown,
    initial: () => null,
    events: {},
    decide: {},
    evolve: {}
  }
})

const withoutEvents = (record: CommitRecord): CommitRecord => ({
  ...record,
  steps: record.steps.map(({ events: _, ...step }) => step)
})

const stateFrom = (
  { compiled, core, snapshots, fault }: Folded,
  defined: boolean
): Pick<Inspection, "state" | "stateOf" | "fault"> => {
  if (!defined) return { state: core.state, stateOf: snapshots > 0 ? "snapshot" : "nothing", fault }
  const nothing = { state: null, stateOf: "nothing" } as const
  if (core.unborn !== undefined) return { ...nothing, fault: `it cannot begin: ${String(core.unborn.cause)}` }
  try {
    return { state: compiled.encodeState(core.state), stateOf: "now", fault }
  } catch (cause) {
    return { ...nothing, fault: fault ?? `the state does not fit its schema: ${String(cause)}` }
  }
}

const readable = ({ sequence, payload }: JournalRecord): InspectedRecord => {
  try {
    const content: unknown = JSON.parse(payload)
    return { sequence, content, steps: parseRecord(payload).steps }
  } catch {
    return { sequence, content: payload, steps: [] }
  }
}

/** The last of what is read page by page, as many as asked for. */
const lastOf = <A extends { readonly sequence: number }>(
  count: number,
  read: (after: number) => Effect.Effect<ReadonlyArray<A>, ReadError>
): Effect.Effect<ReadonlyArray<A>, ReadError> =>
  Effect.gen(function* () {
    let found: ReadonlyArray<A> = []
    let page: ReadonlyArray<A> = []
    do {
      page = yield* read(page.at(-1)?.sequence ?? 0)
      found = [...found, ...page].slice(-Math.max(1, count))
    } while (page.length === PAGE)
    return found
  })
