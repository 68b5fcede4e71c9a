import type { JetStreamManager } from "@nats-io/jetstream"
import { shardOf } from "../address.ts"
import type { Subjects } from "./subjects.ts"

export interface TypePurge {
  readonly upTo: number
  readonly role: string
  readonly type: string
  /** Ids of actors whose mail stays. */
  readonly except: ReadonlySet<string>
}

const AT_ONCE = 16

/**
 * Removes the mail of one type up to a sequence, but that of some of its actors: with one filter for all shards if there are
 * none, else shard by shard, and actor by actor in the shards that they live in.
 */
export const purgeType = async (
  manager: JetStreamManager,
  subjects: Subjects,
  shards: number,
  { upTo, role, type, except }: TypePurge
): Promise<void> => {
  const { stream } = subjects
  const purge = (filter: string) => manager.streams.purge(stream, { filter, seq: upTo + 1 })
  if (except.size === 0) {
    await purge(subjects.mailOfType(role, type))
    return
  }
  const kept = new Set(Array.from(except, (id) => subjects.mail(shardOf({ type, id, role }, shards), { type, id })))
  const spared = new Set(Array.from(except, (id) => shardOf({ type, id, role }, shards)))
  const { state } = await manager.streams.info(stream, { subjects_filter: subjects.mailOfType(role, type) })
  const filters = new Set<string>()
  for (const subject of Object.keys(state.subjects ?? {})) {
    const { shard } = subjects.parseMail(subject)
    if (!spared.has(shard)) filters.add(subjects.mailOfType(role, type, shard.split(".")[1]))
    else if (!kept.has(subject)) filters.add(subject)
  }
  const waiting = [...filters]
  while (waiting.length > 0) await Promise.all(waiting.splice(0, AT_ONCE).map(purge))
}
