import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { nuid } from "@nats-io/transport-node"
import { Clock, Effect, Latch, Layer, Semaphore } from "effect"
import { type Address, formatAddress, shardOf } from "../address.ts"
import { ServerUnsuitable } from "../errors.ts"
import { ActorLog, type Entry, type LogStorage, type Mail } from "../log.ts"
import { AtomicAppend } from "./atomic-append.ts"
import type { Outgoing } from "./batch.ts"
import { Nats } from "./connection.ts"
import { DUE_HEADER, line } from "./headers.ts"
import { Health } from "./health.ts"
import { JournalReader, SNAPSHOT_HEADER } from "./journal.ts"
import { limitsOf } from "./limits.ts"
import { watchLive } from "./live.ts"
import { countMail, readMail } from "./mailbox.ts"
import { makeMessaging, newInbox } from "./messaging.ts"
import { purgeType } from "./purge.ts"
import { directReader } from "./reader.ts"
import { type EventRetention, secondsOf } from "./retention.ts"
import { attempt } from "./stored.ts"
import { openStream, type StreamOptions, type StreamReads, tellRetention } from "./stream.ts"
import { makeSubjects, type Subjects } from "./subjects.ts"
import { tail } from "./tail.ts"
import { Unread } from "./unread.ts"

export interface LogOptions extends StreamOptions {
  /** How long published events are kept, in seconds. */
  readonly eventSecondsMax: number
  /** The same of those whose subjects begin with these words. */
  readonly eventSecondsByKind?: Readonly<Record<string, number>>
  /** Says so in the stream, for those who only read events. It needs the right to `$JS.API.STREAM.UPDATE.<stream>`. */
  readonly tellsRetention?: boolean
  /** Whether this process may read what is stored; one without that right notices less of a stream that was replaced. */
  readonly reads: boolean
}

/** What is read of mailboxes at a time has to fit into what a server lets be on its way, beside all else. */
const MAIL_READS_MAX = 32
const CANCELLED_TTL = "1s"

/** The `ActorLog` on one JetStream stream. */
export const layerLog = (options: LogOptions): Layer.Layer<ActorLog, ServerUnsuitable, Nats> =>
  Layer.effect(
    ActorLog,
    Effect.gen(function* () {
      const nats = yield* Nats
      const { connection } = nats
      const subjects = makeSubjects(nats.options.namespace)
      const manager = yield* Effect.tryPromise({
        // It would ask the account, which a cluster between two leaders does not answer; the stream is asked next.
        try: () => jetstreamManager(connection, { checkAPI: false }),
        catch: (cause) => new ServerUnsuitable({ detail: `JetStream did not answer: ${String(cause)}` })
      })
      const opened = yield* openStream(manager, subjects, options)
      const { shards } = opened
      const clock = yield* Clock.Clock
      const unread: Unread = new Unread((group) => append(group))
      const health = new Health({
        ...{ connection, manager, subjects, opened, clock, reads: options.reads },
        unread: () => unread.detail
      })
      yield* followHealth(nats, health)
      const { see } = health
      const replicated = () => health.replicas > 1
      const seen = () => health.lastSequence
      const reader = directReader(connection, manager, subjects.stream)
      const reads: StreamReads = { reader, replicated, seen }
      const journals = new JournalReader(reads)
      yield* Effect.forkScoped(journals.run)
      const groups = new AtomicAppend(connection, reads)
      const mailReads = yield* Semaphore.make(MAIL_READS_MAX)
      const retention = { seconds: options.eventSecondsMax, byKind: options.eventSecondsByKind ?? {} }
      if (options.tellsRetention === true) yield* tellRetention(manager, subjects.stream, retention)
      const append: LogStorage["append"] = (group, id) =>
        Effect.suspend(() => {
          const first = (index: number) => (index === 0 ? id : undefined)
          const messages = group.map((entry, index) => outgoing(subjects, shards, retention, entry, first(index)))
          const storing = Effect.andThen(health.usable, groups.append(messages))
          return Effect.map(health.writes.watch(storing), health.confirm)
        })
      return ActorLog.of({
        limits: limitsOf(connection),
        shards,
        append,
        readJournal: (owner) => journals.read(subjects.journal(owner)),
        tail: (after, deliver, reached = () => undefined) =>
          after.size === 0
            ? Effect.void
            : Effect.forkScoped(
                tail({
                  nats,
                  manager,
                  subjects,
                  after,
                  shards,
                  unread,
                  deliver: seeing(deliver, see),
                  reached: passing(reached, see)
                })
              ).pipe(Effect.asVoid),
        readMail: (owner, after, max) =>
          mailReads.withPermits(1)(readMail(reads, subjects, subjects.mail(shardOf(owner, shards), owner), after, max)),
        ...mailOfRoles(manager, subjects, shards, health),
        watch: (pattern, see) => watchLive(nats, subjects, pattern, see),
        status: health,
        check: health.check,
        newId: () => nuid.next(),
        ...makeMessaging(nats, subjects, newInbox(nats, subjects))
      })
    })
  )

/** How much mail there is of a role, and removing what is done of it. */
const mailOfRoles = (
  manager: JetStreamManager,
  subjects: Subjects,
  shards: number,
  { usable }: Pick<Health, "usable">
): Pick<LogStorage, "purge" | "mailboxes" | "purgeType"> => ({
  mailboxes: (role) => countMail(manager, subjects, role),
  purge: (upTo, role) => {
    const filter = subjects.mailOfRole(role)
    return Effect.andThen(
      usable,
      attempt(() => manager.streams.purge(subjects.stream, { filter, seq: upTo + 1 }))
    )
  },
  purgeType: (upTo, role, type, except) =>
    Effect.andThen(
      usable,
      attempt(() => purgeType(manager, subjects, shards, { upTo, role, type, except }))
    )
})

/** Takes note of the mail that is delivered. */
const seeing =
  (deliver: (mail: Mail) => Effect.Effect<void> | undefined, see: (sequence: number) => void) => (mail: Mail) => {
    see(mail.sequence)
    return deliver(mail)
  }

/** What is reached was stored. */
const passing = (reached: (sequence: number) => void, see: (sequence: number) => void) => (sequence: number) => {
  see(sequence)
  reached(sequence)
}

/** Looks at the stream every now and then, and as soon as there is a connection again. */
const followHealth = (nats: Nats["Service"], health: Health) =>
  Effect.gen(function* () {
    const again = yield* Latch.make(false)
    yield* nats.onReconnect(() => again.openUnsafe())
    const look = Effect.suspend(() => {
      again.closeUnsafe()
      return health.reconnected
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(again.await, look)))
    yield* Effect.forkScoped(health.watch)
  })

const outgoing = (
  subjects: Subjects,
  shards: number,
  retention: EventRetention,
  entry: Entry,
  id: string | undefined
): Outgoing => {
  switch (entry.kind) {
    case "mail": {
      // Ids are an actor's own: the server, which knows only the stream's, must not take one for another's.
      const messageId = entry.id === undefined ? id : `${formatAddress(entry.to)} ${entry.id}`
      return {
        subject: subjects.mail(shardOf(entry.to, shards), entry.to),
        payload: entry.payload,
        headers: messageId === undefined ? "" : line("Nats-Msg-Id", messageId)
      }
    }
    case "journal": {
      const expected = line("Nats-Expected-Last-Subject-Sequence", entry.expected)
      const snapshot = entry.snapshot ? line(SNAPSHOT_HEADER, 1) : ""
      const truncate = entry.truncate ? line("Nats-Rollup", "sub") : ""
      const unscheduled =
        entry.unschedules === undefined ? "" : purging(subjects, shards, entry.owner, entry.unschedules)
      const headers = expected + snapshot + truncate + unscheduled
      return { subject: subjects.journal(entry.owner), payload: entry.payload, headers }
    }
    case "timer": {
      const shard = shardOf(entry.owner, shards)
      return {
        subject: subjects.timer(shard, entry.owner, entry.name),
        payload: entry.payload,
        headers:
          line("Nats-Schedule", `@at ${new Date(entry.at + (entry.graceMillis ?? 0)).toISOString()}`) +
          (entry.graceMillis === undefined ? "" : line(DUE_HEADER, entry.at)) +
          line("Nats-Schedule-Target", subjects.mail(shard, entry.owner))
      }
    }
    case "untimer":
      return entry.fired === true ? unscheduling(subjects, shards, entry) : cancelling(subjects, shards, entry)
    case "event":
      return {
        subject: subjects.event(entry.subject),
        payload: entry.payload,
        headers:
          line("Nats-TTL", `${secondsOf(retention, entry.subject)}s`) +
          (id === undefined ? "" : line("Nats-Msg-Id", id))
      }
    case "dead":
      return { subject: subjects.dead(entry.owner), payload: entry.payload, headers: "" }
  }
}

type Untimer = Extract<Entry, { kind: "untimer" }>

/** Rolls the schedule's subject up into an empty message, which then expires. */
const cancelling = (subjects: Subjects, shards: number, { owner, name }: Untimer): Outgoing => ({
  subject: subjects.timer(shardOf(owner, shards), owner, name),
  payload: "",
  headers: line("Nats-Rollup", "sub") + line("Nats-TTL", CANCELLED_TTL)
})

/** A message of its own, for what no record takes along. */
const unscheduling = (subjects: Subjects, shards: number, { owner, name }: Untimer): Outgoing => ({
  subject: subjects.unscheduled(shardOf(owner, shards)),
  payload: "",
  headers: purging(subjects, shards, owner, name) + line("Nats-TTL", CANCELLED_TTL)
})

/**
 * Has the server remove a schedule. One that is rolled up is searched for in all that was stored since it was set, which a herd
 * cannot afford. But the server keeps a schedule in memory until it is due that it did not see replaced: this is for those that
 * are due. The subject must hold a schedule or nothing, or the server refuses it.
 */
const purging = (subjects: Subjects, shards: number, owner: Address, name: string): string =>
  line("Nats-Schedule-Next", "purge") + line("Nats-Scheduler", subjects.timer(shardOf(owner, shards), owner, name))
