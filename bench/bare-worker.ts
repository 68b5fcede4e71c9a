import { AckPolicy, DeliverPolicy, jetstreamManager } from "@nats-io/jetstream"
import { nuid } from "@nats-io/transport-node"
import { type Bare, type BareMessage, GROUP, mailOf, type Outgoing, storeGroup } from "./bare.ts"

/** How many of a key's steps become one record. */
const STEPS_MAX = 5_000
const VOTERS = 3

/** What a message leads to: a step to record, messages stored with it, and an answer that leaves afterwards. */
export interface Done {
  readonly key: string
  readonly step: string
  readonly mails: ReadonlyArray<Outgoing>
  /** What is stored once the step is. */
  readonly after?: ReadonlyArray<Outgoing>
  readonly answer?: { readonly inbox: string; readonly payload: string }
}

/** What a message to a key leads to. */
export type Decide = (bare: Bare, rounds: Map<string, Round>, key: string, body: BareMessage) => Done

/** A round that a coordinator has opened. */
export interface Round {
  readonly reply: string
  votes: number
}

/**
 * Consumes the messages of a part of the keys, without acks, and records each; `recorded` is told how many were.
 *
 * While a group is on its way, what comes gathers and goes out as the next one: one guarded record for each key.
 */
export const startWorker = async (
  bare: Bare,
  part: number,
  recorded: (count: number) => void,
  decide: Decide = decideOne
): Promise<void> => {
  const { connection, stream } = bare
  const last = new Map<string, number>()
  const rounds = new Map<string, Round>()
  let waiting: Array<Done> = []
  let busy = false
  const flush = async () => {
    busy = true
    while (waiting.length > 0) {
      const { group, records, taken } = gather(stream, waiting, last)
      const rest = waiting.slice(taken)
      const done = waiting.slice(0, taken)
      waiting = rest
      const end = await storeGroup(bare, group)
      for (const { key, index } of records) last.set(key, end - (group.length - 1 - index))
      for (const { answer } of done) if (answer !== undefined) connection.publish(answer.inbox, answer.payload)
      const after = done.flatMap((each) => each.after ?? [])
      if (after.length > 0) void storeGroup(bare, after)
      recorded(taken)
    }
    busy = false
  }
  const deliver = `deliver.${nuid.next()}`
  connection.subscribe(deliver, {
    callback: (_, message) => {
      const key = message.subject.slice(message.subject.lastIndexOf(".") + 1)
      const body = message.json<BareMessage>()
      if (body.kind === "get") return connection.publish(body.reply ?? "", JSON.stringify({ id: body.id }))
      waiting.push(decide(bare, rounds, key, body))
      if (!busy) setImmediate(() => (busy ? undefined : flush()))
    }
  })
  await (await jetstreamManager(connection)).consumers.add(stream, {
    deliver_subject: deliver,
    filter_subject: `${stream}.mail.${part}.>`,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.New,
    mem_storage: true
  })
}

const decideOne: Decide = (bare, rounds, key, body) => {
  const { kind, n, id = "", reply, from } = body
  const done = { key, step: JSON.stringify({ kind, n }), mails: [] }
  const answer = (inbox: string) => ({ inbox, payload: JSON.stringify({ id, n }) })
  switch (kind) {
    case "open": {
      rounds.set(id, { reply: reply ?? "", votes: 0 })
      const voters = Array.from({ length: VOTERS }, (_, voter) => `${key}v${voter}`)
      return { ...done, mails: voters.map((voter) => mailOf(bare, voter, { kind: "work", n, id, from: key })) }
    }
    case "work":
      return { ...done, mails: [mailOf(bare, from ?? "", { kind: "answer", n, id })] }
    case "answer": {
      const round = rounds.get(id)
      if (round === undefined || ++round.votes < VOTERS) return done
      rounds.delete(id)
      return { ...done, answer: answer(round.reply) }
    }
    default:
      return reply === undefined ? done : { ...done, answer: answer(reply) }
  }
}

/** What goes out next: of each key a record of its steps, and all messages of them. */
const gather = (stream: string, waiting: ReadonlyArray<Done>, last: ReadonlyMap<string, number>) => {
  const steps = new Map<string, Array<string>>()
  const mails: Array<Outgoing> = []
  let taken = 0
  for (const done of waiting) {
    const known = steps.get(done.key)
    const entries = steps.size + mails.length + done.mails.length + (known === undefined ? 1 : 0)
    if (entries > GROUP || known?.length === STEPS_MAX) break
    if (known === undefined) steps.set(done.key, [done.step])
    else known.push(done.step)
    mails.push(...done.mails)
    taken++
  }
  const records = Array.from(steps.keys(), (key, index) => ({ key, index }))
  const group: Array<Outgoing> = Array.from(steps, ([key, all]) => ({
    subject: `${stream}.journal.${key}`,
    payload: `[${all.join(",")}]`,
    expected: last.get(key) ?? 0
  }))
  group.push(...mails)
  return { group, records, taken }
}
