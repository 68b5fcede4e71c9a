import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { connect, headers, type NatsConnection, nuid } from "@nats-io/transport-node"

/**
 * What the same work costs without us: a loop that consumes messages and publishes one guarded record for each, in
 * atomic groups, with no schemas, no state, no supervision. The fastest that this server lets anybody be.
 */
export interface Bare {
  readonly connection: NatsConnection
  readonly stream: string
}

const GROUP = 1_000

export const openBare = async (url: string): Promise<Bare> => {
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
  return { connection, stream }
}

export const closeBare = async ({ connection, stream }: Bare): Promise<void> => {
  await (await jetstreamManager(connection)).streams.delete(stream)
  await connection.close()
}

interface Outgoing {
  readonly subject: string
  readonly payload: string
  readonly expected?: number
}

/** One atomic batch; gives the sequence of its last message. */
const storeGroup = async ({ connection }: Bare, group: ReadonlyArray<Outgoing>): Promise<number> => {
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

/** Sends `count` messages to `keys` keys, grouped, and consumes and records them; resolves when all are recorded. */
export const bareTells = async (bare: Bare, keys: number, count: number): Promise<void> => {
  const recorded = recordAll(bare, count)
  await recorded.started
  for (let sent = 0; sent < count; ) {
    const group: Array<Outgoing> = []
    for (; group.length < GROUP && sent < count; sent++) {
      group.push({ subject: `${bare.stream}.mail.${sent % keys}`, payload: tell(sent) })
    }
    await storeGroup(bare, group)
  }
  await recorded.done
}

const tell = (n: number) => JSON.stringify({ kind: "message", message: "Add", body: { n: 1 }, correlation: String(n) })

const recordAll = (bare: Bare, count: number) => {
  const { connection, stream } = bare
  const last = new Map<string, number>()
  let waiting: Array<string> = []
  let busy = false
  let recordedCount = 0
  let finish: () => void = () => undefined
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const flush = async () => {
    busy = true
    while (waiting.length > 0) {
      const perKey = new Map<string, Array<string>>()
      const rest: Array<string> = []
      let taken = 0
      for (const text of waiting) {
        const separator = text.indexOf(" ")
        const key = text.slice(0, separator)
        const steps = perKey.get(key)
        if (steps !== undefined) steps.push(text.slice(separator + 1))
        else if (perKey.size < GROUP) perKey.set(key, [text.slice(separator + 1)])
        else {
          rest.push(text)
          continue
        }
        taken++
      }
      waiting = rest
      const group = [...perKey].map(([key, steps]) => ({
        subject: `${stream}.journal.${key}`,
        payload: `[${steps.join(",")}]`,
        expected: last.get(key) ?? 0
      }))
      const sequence = await storeGroup(bare, group)
      let index = 0
      for (const key of perKey.keys()) last.set(key, sequence - (group.length - 1 - index++))
      recordedCount += taken
      if (recordedCount === count) finish()
    }
    busy = false
  }
  const started = (async () => {
    const consumer = await jetstream(connection).consumers.get(stream, {
      filter_subjects: `${stream}.mail.>`,
      deliver_policy: DeliverPolicy.New
    })
    await consumer.consume({
      max_messages: 5_000,
      callback: (message) => {
        const key = message.subject.slice(message.subject.lastIndexOf(".") + 1)
        const { body } = message.json<{ body: { n: number } }>()
        waiting.push(`${key} ${JSON.stringify({ sequence: message.seq, n: body.n })}`)
        if (!busy) setImmediate(() => (busy ? undefined : flush()))
      }
    })
  })()
  return { started, done }
}

/** Asks `count` times, one after the other: publish, consume, publish a guarded record, answer. Gives milliseconds each. */
export const bareAsks = async (bare: Bare, count: number): Promise<ReadonlyArray<number>> => {
  const { connection, stream } = bare
  const manager = await jetstreamManager(connection)
  const deliver = `deliver.${nuid.next()}`
  const inbox = `reply.${nuid.next()}`
  let answered: () => void = () => undefined
  let last = 0
  const record = async () => {
    last = await storeGroup(bare, [{ subject: `${stream}.journal.ask`, payload: '{"n":1}', expected: last }])
    connection.publish(inbox, '{"ok":1}')
  }
  connection.subscribe(inbox, { callback: () => answered() })
  connection.subscribe(deliver, {
    callback: () => void record()
  })
  await manager.consumers.add(stream, {
    deliver_subject: deliver,
    filter_subject: `${stream}.ask`,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.New,
    mem_storage: true
  })
  const millis: Array<number> = []
  for (let index = 0; index < count; index++) {
    const start = performance.now()
    await new Promise<void>((resolve) => {
      answered = resolve
      void storeGroup(bare, [{ subject: `${stream}.ask`, payload: tell(index) }])
    })
    millis.push(performance.now() - start)
  }
  return millis
}
