import { Clock, Effect, Schema } from "effect"
import { type Address, formatAddress, shardOf } from "./address.ts"
import type { Archive, Selection, StoredMail } from "./archive.ts"
import type { Controls } from "./controls.ts"
import { nameOf, parseEnvelope } from "./envelope.ts"
import type { AppendError, ReadError } from "./errors.ts"
import { consumedOf, type Sources } from "./inspection.ts"
import type { Entry, LogStorage } from "./log.ts"

/** Mail cannot be dropped while somebody may be deciding it. */
export class NotHeld extends Schema.TaggedError<NotHeld>()("NotHeld", { actor: Schema.String }) {
  override get message() {
    return `${this.actor} is at work: pause it first, so that nobody decides what is dropped`
  }
}

/** What it takes to act, besides to look. */
export interface ActingSources extends Sources {
  readonly log: Pick<LogStorage, "readJournal" | "shards" | "append">
  readonly archive: Archive["Service"]
  readonly controls: Pick<Controls["Service"], "read" | "pause" | "resume">
}

/** What was dropped. */
export interface Dropped {
  readonly actors: number
  readonly messages: number
}

export interface DropOptions {
  /** Whether the messages go among the dead letters, from where they can be retried. They are gone for good otherwise. */
  readonly keep: boolean
}

export type DropError = ReadError | AppendError | NotHeld

const PAGE = 100
const ACTORS_MAX = 10_000
const ORIGINAL_CHARACTERS_MAX = 10_000
/** A node that hears of a pause finishes what it is at. */
const FINISHING_MILLIS = 3_000

/** Removes all undecided mail of actors that are paused, or whose type no live node has. */
export const dropMail = (
  sources: ActingSources,
  selection: Selection,
  { keep }: DropOptions
): Effect.Effect<Dropped, DropError> =>
  Effect.gen(function* () {
    const { archive } = sources
    const mailboxes = yield* archive.mailboxes(selection, undefined, ACTORS_MAX)
    const { nodes } = yield* sources.membership
    const served = new Set([...nodes.values()].flatMap(({ types }) => Object.keys(types)))
    const { type, id } = selection
    // Who is named is checked in any case: mail may be about to come.
    const named = type === undefined || id === undefined ? mailboxes.map(({ address }) => address) : [{ type, id }]
    yield* awaitPauses(
      sources,
      named.filter((address) => served.has(address.type))
    )
    let messages = 0
    let actors = 0
    for (const { address } of mailboxes) {
      const dropped = yield* dropOf(sources, address, keep)
      messages += dropped
      if (dropped > 0) actors++
    }
    return { actors, messages }
  })

/** Until all of them have been paused for a while. */
const awaitPauses = ({ controls }: Sources, addresses: ReadonlyArray<Address>): Effect.Effect<void, DropError> =>
  Effect.gen(function* () {
    if (addresses.length === 0) return
    const pauses = yield* controls.read
    let since = 0
    for (const address of addresses) {
      const pause = pauses.of(address)
      if (pause === undefined) return yield* new NotHeld({ actor: formatAddress(address) })
      since = Math.max(since, pause.since)
    }
    const age = (yield* Clock.currentTimeMillis) - since
    if (age < FINISHING_MILLIS) yield* Effect.sleep(FINISHING_MILLIS)
  })

const dropOf = ({ log, archive }: ActingSources, address: Address, keep: boolean): Effect.Effect<number, DropError> =>
  Effect.gen(function* () {
    let after = consumedOf(address, yield* log.readJournal(address))
    let dropped = 0
    while (true) {
      const mails = yield* archive.mail(address, after, PAGE)
      for (const mail of mails) {
        // Only then is it removed: a message must not be lost between the two.
        if (keep) yield* log.append([letterOf(address, mail, shardOf(address, log.shards))])
        if (yield* archive.dropMail(address, mail.sequence)) dropped++
      }
      const last = mails.at(-1)
      if (last === undefined || mails.length < PAGE) return dropped
      after = last.sequence
    }
  })

const letterOf = (owner: Address, { sequence, time, payload }: StoredMail, shard: string): Entry => {
  const cause = "an operator dropped it"
  const letter = JSON.stringify({ sequence, time, shard, message: messageOf(payload), failure: "dropped", cause })
  return { kind: "dead", owner, payload: `${letter.slice(0, -1)},"original":${originalOf(payload)}}` }
}

const messageOf = (payload: string): string => {
  try {
    return nameOf(parseEnvelope(payload)).slice(0, 100)
  } catch {
    return "?"
  }
}

/** As it is, where it is a message. */
const originalOf = (payload: string): string => {
  try {
    parseEnvelope(payload)
    return payload
  } catch {
    return JSON.stringify(payload.slice(0, ORIGINAL_CHARACTERS_MAX))
  }
}
