import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream"
import { Effect } from "effect"
import { LogUnavailable } from "../errors.ts"
import type { JournalRecord } from "../log.ts"

const PAGE = 1_000

/**
 * An actor's records, oldest first.
 *
 * The newest one is read first: mostly it is a snapshot, or the only one, or there is none, and that was all.
 */
export const readJournal = (manager: JetStreamManager, stream: string, subject: string) =>
  Effect.tryPromise({
    try: async (): Promise<ReadonlyArray<JournalRecord>> => {
      const newest = await manager.direct.getMessage(stream, { last_by_subj: subject })
      if (newest === null) return []
      if (standsAlone(newest)) return [toRecord(newest)]
      const records: Array<JournalRecord> = []
      let from = 1
      while (from <= newest.seq) {
        const page = await manager.direct.getBatch(stream, { seq: from, next_by_subj: subject, batch: PAGE })
        for await (const message of page) records.push(toRecord(message))
        const last = records.at(-1)
        if (last === undefined || last.sequence < from) break
        from = last.sequence + 1
      }
      return records
    },
    catch: (cause) => new LogUnavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

const standsAlone = (message: StoredMsg): boolean =>
  message.header.get("Nats-Rollup") === "sub" || message.header.get("Nats-Expected-Last-Subject-Sequence") === "0"

const toRecord = (message: StoredMsg): JournalRecord => ({ sequence: message.seq, payload: message.string() })
