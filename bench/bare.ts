import { jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { connect, headers, type NatsConnection, nuid } from "@nats-io/transport-node"

/**
 * What the same work costs without us: loops that consume messages and publish one guarded record for each, in atomic
 * groups, with no schemas, no snapshots, no supervision, no purging. About the fastest that this server lets anybody be.
 */
export interface Bare {
  readonly connection: NatsConnection
  readonly stream: string
  /** Among how many consumers the keys are divided. */
  readonly parts: number
}

/** A message to a key. It is answered where it has a `reply`. */
export interface BareMessage {
  /** `add` is recorded, `get` only answered; the others are those of a round. */
  readonly kind: "add" | "get" | "open" | "work" | "answer" | ConsensusKind
  readonly n: number
  /** Of the asker or of the round. */
  readonly id?: string
  readonly reply?: string
  /** Who sent it, in a round. */
  readonly from?: string
  /** Makes it as large as what it stands for. */
  readonly pad?: string
}

/** The messages of an analysis and its round. */
export type ConsensusKind = "analyze" | "opened" | "asked" | "outcome" | "vote" | "closed"

/** One thing to store. */
export interface Outgoing {
  readonly subject: string
  readonly payload: string
  /** The sequence that the last one of the subject must have. */
  readonly expected?: number
}

/** How many messages go into one atomic group. */
export const GROUP = 1_000

export const openBare = async (url: string, parts: number): Promise<Bare> => {
  const connection = await connect({ servers: url, noAsyncTraces: true })
  const stream = `BARE${nuid.next()}`
  const manager = await jetstreamManager(connection)
  await manager.streams.add({
    name: stream,
    subjects: [`${stream}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    allow_atomic: true,
    allow_direct: true
  })
  return { connection, stream, parts }
}

export const closeBare = async ({ connection, stream }: Bare): Promise<void> => {
  await (await jetstreamManager(connection)).streams.delete(stream)
  await connection.close()
}

export const mailOf = (bare: Bare, key: string, message: BareMessage): Outgoing => ({
  subject: `${bare.stream}.mail.${partOf(key, bare.parts)}.${key}`,
  payload: JSON.stringify(message)
})

/** Which of the consumers has the key. */
const partOf = (key: string, parts: number): number => {
  let hash = 0
  if (parts > 1) for (let index = 0; index < key.length; index++) hash = (hash * 31 + key.charCodeAt(index)) | 0
  return (hash >>> 0) % parts
}

/** Stores messages as one atomic batch, a single one as a plain publish. Gives the sequence of the last. */
export const storeGroup = async ({ connection }: Bare, group: ReadonlyArray<Outgoing>): Promise<number> => {
  const id = nuid.next()
  const last = group.length - 1
  let answer: Promise<{ json: <T>() => T }> | undefined
  for (let index = 0; index <= last; index++) {
    const { subject, payload, expected } = group[index]!
    const all = headers()
    if (expected !== undefined) all.set("Nats-Expected-Last-Subject-Sequence", String(expected))
    if (last > 0) {
      all.set("Nats-Batch-Id", id)
      all.set("Nats-Batch-Sequence", String(index + 1))
    }
    if (index < last) connection.publish(subject, payload, { headers: all })
    else {
      if (last > 0) all.set("Nats-Batch-Commit", "1")
      answer = connection.request(subject, payload, { headers: all, timeout: 10_000 })
    }
  }
  const ack = (await answer)!.json<{ seq?: number; error?: { description: string } }>()
  if (ack.seq === undefined) throw new Error(ack.error?.description ?? "no answer")
  return ack.seq
}
