import { Effect } from "effect"
import { type Address, formatAddress } from "../../address.ts"
import type { Controls } from "../../controls.ts"
import type { AppendError, ReadError } from "../../errors.ts"
import { parseRecord, type Watcher } from "../../journal.ts"
import type { Entry, JournalRecord, LogStorage } from "../../log.ts"
import { alertEntry } from "../signals/alert.ts"
import { noticeOf } from "../step/stopping.ts"

const CAUSE_CHARACTERS_MAX = 1_000

/**
 * Pauses an actor that cannot go on, so that its mail is kept wherever its shard goes, tells who watches it, and says so
 * to the world: once, until an operator resumes it and it fails again. `ends`: it has ended processes.
 */
export const pauseUnrecoverable = (
  log: Pick<LogStorage, "append" | "readJournal">,
  controls: Controls["Service"],
  address: Address,
  reason: string,
  now: number,
  ends: { readonly crashed?: true } = {}
): Effect.Effect<void, ReadError | AppendError> =>
  Effect.gen(function* () {
    const actor = formatAddress(address)
    const cause = reason.slice(0, CAUSE_CHARACTERS_MAX)
    yield* Effect.logError("actor cannot go on", { actor, cause })
    const records = yield* log.readJournal(address)
    // Before it is paused: who is told twice, because this was tried again, knows the message by its id.
    yield* Effect.forEach(noticesOf(address, records), (notice) =>
      log.append([notice]).pipe(Effect.catchTag("AlreadyStored", () => Effect.void))
    )
    const news = yield* controls.pause({
      target: { kind: "actor", address },
      by: "runtime",
      cause,
      since: now,
      ...ends
    })
    if (news) yield* log.append([alertOf(actor, cause, now)])
  })

/** As far as the journal can be read. */
const noticesOf = (address: Address, records: ReadonlyArray<JournalRecord>): ReadonlyArray<Entry> => {
  const watchers = new Map<string, Watcher>()
  for (const { payload } of records) {
    for (const [watcher, told] of watchersIn(payload)) {
      if (told === undefined) watchers.delete(watcher)
      else watchers.set(watcher, told)
    }
  }
  const id = `paused ${formatAddress(address)} ${records.at(-1)?.sequence ?? 0}`
  return Array.from(watchers, ([watcher, told]) => noticeOf(address, watcher, told, "", id))
}

const watchersIn = (payload: string): ReadonlyArray<readonly [string, Watcher | undefined]> => {
  try {
    const { steps, snapshot } = parseRecord(payload)
    if (snapshot !== undefined) return Object.entries(snapshot.watchers ?? {})
    return steps.flatMap(({ watched, unwatched }) => [
      ...(unwatched ?? []).map((watcher) => [watcher, undefined] as const),
      ...Object.entries(watched ?? {})
    ])
  } catch {
    return []
  }
}

const alertOf = (actor: string, cause: string, at: number): Entry =>
  alertEntry(
    {
      severity: "critical",
      code: "actor_unrecoverable",
      message: `${actor} cannot go on and is paused, and its messages wait: ${cause}`,
      at
    },
    { actor }
  )
