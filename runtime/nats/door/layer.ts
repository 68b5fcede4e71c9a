import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Layer, Schema, Semaphore } from "effect"
import { makeActs } from "../../acting.ts"
import { Controls } from "../../controls.ts"
import { type LogUnavailable, ServerUnsuitable } from "../../errors.ts"
import { EventReads } from "../../events/reads.ts"
import { ActorLog } from "../../log.ts"
import { makeOperators, Operators } from "../../operators.ts"
import { archiveReads, makeArchive } from "../archive.ts"
import { Nats } from "../connection.ts"
import { readPauses } from "../controls.ts"
import { makeEventReads } from "../events.ts"
import { JournalReader } from "../journal.ts"
import { directReader } from "../reader.ts"
import { readMembership } from "../roll.ts"
import { SHARDS_KEY } from "../stream.ts"
import { type DoorName, makeSubjects } from "../subjects.ts"
import { askAt } from "./ask.ts"
import { type Behind, keepDoor } from "./keep.ts"
import { mailDoor } from "./mail.ts"
import { operateDoor } from "./operate.ts"
import { eventsDoor, type Library, lookDoor } from "./reads.ts"
import { remoteActs } from "./remote-acts.ts"
import { remoteReader, unread } from "./remote-reader.ts"
import { FollowAnswer } from "./words.ts"

const Nothing = Schema.Struct({})
/** How many are served at a time at each door. */
const AT_ONCE: Readonly<Record<DoorName, number>> = { mail: 256, events: 64, look: 32, operate: 16 }
const KIBIBYTE = 1024
/** How large it may be what is asked: messages as large as the server takes them, else no more than a thousand subjects, or one act. */
const BYTES_MAX: Readonly<Record<DoorName, number>> = {
  mail: Number.POSITIVE_INFINITY,
  events: 512 * KIBIBYTE,
  look: 512 * KIBIBYTE,
  operate: 16 * KIBIBYTE
}

/**
 * Serves those who may not touch the stream, with the rights of this process, for as long as the layer lives. Its connection is
 * one of its own: what others read does not delay the actors' mail.
 */
export const layerDoors: Layer.Layer<never, ServerUnsuitable, Nats | ActorLog | Controls> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { connection, options } = yield* Nats
    const subjects = makeSubjects(options.namespace)
    const log = yield* ActorLog
    const manager = yield* Effect.tryPromise({
      try: () => jetstreamManager(connection, { checkAPI: false }),
      catch: (cause) => new ServerUnsuitable({ detail: `JetStream did not answer: ${String(cause)}` })
    })
    const readers = {
      log: directReader(connection, manager, subjects.stream),
      controls: directReader(connection, manager, `KV_${subjects.controls}`),
      leases: directReader(connection, manager, `KV_${subjects.bucket}`)
    }
    const library: Library = { connection, manager, subjects, readers, adding: yield* Semaphore.make(1) }
    const membership = readMembership(readers.leases, subjects)
    const acts = makeActs({
      log,
      archive: makeArchive(manager, readers.log, subjects),
      controls: yield* Controls,
      membership
    })
    const doors: Readonly<Record<DoorName, Behind>> = {
      mail: mailDoor(log, subjects, yield* Effect.cachedWithTTL(membership, "1 second")),
      events: eventsDoor(library),
      look: lookDoor(library),
      operate: operateDoor(acts)
    }
    for (const name of ["mail", "events", "look", "operate"] as const) {
      yield* keepDoor(
        { connection, subject: subjects.door(name), atOnce: AT_ONCE[name], bytesMax: BYTES_MAX[name] },
        doors[name]
      )
    }
  })
)

/** Events for who may not touch the stream. */
export const layerRemoteEvents: Layer.Layer<EventReads, never, Nats> = Layer.effect(
  EventReads,
  Effect.map(Nats, (nats) => {
    const subjects = makeSubjects(nats.options.namespace)
    const ask = askAt(nats.connection, subjects.door("events"))
    const reader = remoteReader(ask, "log")
    return makeEventReads(reader, {
      nats,
      subjects,
      reader,
      send: (wanted) =>
        ask({ head: { op: "follow", ...wanted }, parts: [] }, FollowAnswer).pipe(
          Effect.map(({ head }) => head.name),
          Effect.mapError(unread)
        ),
      end: (name) =>
        ask({ head: { op: "unfollow", name }, parts: [] }, Nothing).pipe(Effect.asVoid, Effect.mapError(unread))
    })
  })
)

/** Looking and acting for who may not touch the stream, as far as nodes are there. Fails where they are not, or may not be asked. */
export const layerRemoteOperators: Layer.Layer<Operators, LogUnavailable, Nats> = Layer.effect(
  Operators,
  Effect.gen(function* () {
    const { connection, options } = yield* Nats
    const subjects = makeSubjects(options.namespace)
    const look = askAt(connection, subjects.door("look"))
    const reader = remoteReader(look, "log")
    const first = yield* reader.state
    const replicated = () => first.copies > 1
    const journals = new JournalReader({ reader, replicated, seen: () => first.lastSequence })
    yield* Effect.forkScoped(journals.run)
    return makeOperators(
      {
        log: {
          shards: Number(first.metadata[SHARDS_KEY]),
          readJournal: (owner) => journals.read(subjects.journal(owner))
        },
        archive: archiveReads(reader, subjects),
        controls: { read: readPauses(remoteReader(look, "controls"), subjects) },
        membership: readMembership(remoteReader(look, "leases"), subjects)
      },
      remoteActs(askAt(connection, subjects.door("operate")))
    )
  })
)
