import { Effect, Schedule } from "effect"
import type { AppendError } from "../../errors.ts"
import { GroupLoop } from "../../grouping.ts"
import type { Entry, LogStorage } from "../../log.ts"
import { Recurring } from "../../recurring.ts"
import type { Meter } from "../signals/meter.ts"
import type { Size } from "./commit-buffer.ts"

/** Who has something to commit. */
export interface Committable {
  /** What `takeGroup` would give now, about. */
  readonly groupSize: Size
  /** The entries of its next group, its record first; nothing if there is none or one is being committed. */
  takeGroup(): ReadonlyArray<Entry> | undefined
  /** Its group is stored; its record has this sequence. */
  committed(sequence: number): void
  /** Its group is not stored, or was before. */
  reload(): void
  /** The log refuses its group for good. */
  refuse(cause: Error): void
}

/**
 * Group commit for all actors of a node.
 *
 * While a group is on its way, finished steps gather in their activations; when it is stored, what has gathered goes out
 * as the next one. It owns nothing but the list of activations that have something to commit.
 *
 * Invariants:
 * 1. One group is on its way at a time, and an activation has at most one record in it.
 * 2. An activation is told of the fate of each of its records exactly once: committed, reload or refused.
 */
export class Committer {
  readonly #log: Pick<LogStorage, "append" | "limits">
  readonly #meter: Meter
  readonly #nanos: () => bigint
  readonly #waiting = new Set<Committable>()
  readonly #loop = new GroupLoop()
  readonly #recurring = new Recurring()

  /** `nanos`: a clock that only goes forward. */
  constructor(log: Pick<LogStorage, "append" | "limits">, meter: Meter, nanos: () => bigint) {
    this.#log = log
    this.#meter = meter
    this.#nanos = nanos
  }

  /** The activation has steps to commit. */
  add(activation: Committable): void {
    this.#waiting.add(activation)
    this.#loop.wake()
  }

  /** Forgets an activation that is given up. */
  forget(activation: Committable): void {
    this.#waiting.delete(activation)
  }

  /** Commits for ever. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    this.#loop.run(
      () => this.#waiting.size === 0,
      () => this.#commit(this.#gather())
    )
  )

  #gather(): ReadonlyArray<GroupShare> {
    const { groupEntriesMax, groupBytesMax } = this.#log.limits
    const shares: Array<GroupShare> = []
    let entries = 0
    let bytes = 0
    for (const activation of this.#waiting) {
      const size = activation.groupSize
      const overflows = entries + size.entries > groupEntriesMax || bytes + size.characters > groupBytesMax
      if (overflows && shares.length > 0) break
      this.#waiting.delete(activation)
      const group = activation.takeGroup()
      if (group === undefined) continue
      shares.push({ activation, entries: group })
      entries += group.length
      bytes += size.characters
    }
    return shares
  }

  #commit(shares: ReadonlyArray<GroupShare>): Effect.Effect<void> {
    if (shares.length === 0) return Effect.void
    const group = shares.flatMap((share) => share.entries)
    const started = this.#nanos()
    return this.#log.append(group).pipe(
      Effect.map((last) => {
        this.#count(group, shares.length, started)
        settle(shares, last)
      }),
      Effect.catch((error) => (shares.length === 1 ? this.#commitAlone(shares[0]!, error) : this.#commitEach(shares)))
    )
  }

  /** A refused group tells not whom it was refused for: one by one, only who is stale pays. */
  #commitEach(shares: ReadonlyArray<GroupShare>): Effect.Effect<void> {
    return Effect.forEach(shares, (share) => this.#commit([share]), { discard: true })
  }

  #count(group: ReadonlyArray<Entry>, records: number, started: bigint): void {
    const { counts } = this.#meter
    counts.commits++
    counts.records += records
    counts.entries += group.length
    for (const entry of group) {
      if ("payload" in entry) counts.characters += entry.payload.length
      if (entry.kind === "dead") counts.parked++
    }
    this.#meter.committed(Number(this.#nanos() - started) / 1e9)
  }

  #commitAlone({ activation, entries }: GroupShare, error: AppendError): Effect.Effect<void> {
    switch (error._tag) {
      case "Fenced":
      case "AlreadyStored":
        this.#meter.counts.fenced++
        return Effect.sync(() => activation.reload())
      case "TooLarge":
      case "LogRefused":
        this.#meter.counts.refused++
        return Effect.sync(() => activation.refuse(error))
      case "LogUnavailable":
      case "LogReplaced": // the node drops its actors, or the log is again what it was
      case "LogFull":
        this.#meter.counts.delayed++
        return this.#recurring.say("Warn", "commit delayed", { reason: error.message }).pipe(
          Effect.andThen(this.#log.append(entries).pipe(Effect.retry({ while: isPassing, schedule: RETRY }))),
          Effect.map((last) => settle([{ activation, entries }], last)),
          Effect.catch((again) =>
            isPassing(again)
              ? Effect.sync(() => activation.reload())
              : this.#commitAlone({ activation, entries }, again)
          )
        )
    }
  }
}

interface GroupShare {
  readonly activation: Committable
  readonly entries: ReadonlyArray<Entry>
}

const RETRY = Schedule.min([Schedule.exponential("50 millis", 1.5), Schedule.spaced("1 second")]).pipe(
  Schedule.jittered
)

const isPassing = ({ _tag }: AppendError): boolean =>
  _tag === "LogUnavailable" || _tag === "LogFull" || _tag === "LogReplaced"

/** Sequences are counted back from the last one. Each share's record comes first in it. */
const settle = (shares: ReadonlyArray<GroupShare>, last: number): void => {
  let next = last + 1
  for (let index = shares.length - 1; index >= 0; index--) {
    next -= shares[index]!.entries.length
    shares[index]!.activation.committed(next)
  }
}
