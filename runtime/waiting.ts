import { Clock, Deferred, Effect, Option } from "effect"
import { type Address, shardOf } from "./address.ts"
import type { Selection } from "./archive.ts"
import type { Pause } from "./controls.ts"
import { Watermarks } from "./engine/shard/watermarks.ts"
import type { ReadError } from "./errors.ts"
import { consumedOf, type Sources, secondsBehind } from "./inspection.ts"
import type { Leases, Membership } from "./leases.ts"

/** An actor for which messages wait. */
export interface WaitingActor {
  readonly address: Address
  readonly messages: number
  /** How long the oldest has waited. */
  readonly secondsBehind: number
  readonly pause: Pause | undefined
}

const AT_ONCE = 8

/** Mail that is done and not removed yet is told by the journal, or by what the nodes say of their shards. */
export const waitingOf = (
  { log, archive, controls, membership }: Sources,
  selection: Selection,
  max: number
): Effect.Effect<ReadonlyArray<WaitingActor>, ReadError> =>
  Effect.gen(function* () {
    const mailboxes = yield* archive.mailboxes(selection, undefined, max)
    const pauses = yield* controls.read
    const marks = new Watermarks()
    for (const announcement of (yield* membership).nodes.values()) marks.take(announcement)
    const now = yield* Clock.currentTimeMillis
    const found = yield* Effect.forEach(
      mailboxes,
      ({ address }) =>
        Effect.gen(function* () {
          const consumed = consumedOf(address, yield* log.readJournal(address))
          const done = Math.max(consumed, marks.ofActor(address, shardOf(address, log.shards)))
          const { waiting, oldest } = yield* archive.backlog(address, done)
          return {
            address,
            messages: waiting,
            secondsBehind: secondsBehind(now, oldest),
            pause: pauses.of(address)
          }
        }),
      { concurrency: AT_ONCE }
    )
    return found
      .filter(({ messages }) => messages > 0)
      .toSorted((one, other) => other.secondsBehind - one.secondsBehind)
  })

/** Where nothing has ever joined, nothing may be heard. */
const MEMBERSHIP_WAIT = "2 seconds"

/** The membership as it is now. */
export const membershipOf = (leases: Leases["Service"]): Effect.Effect<Membership, ReadError> =>
  Effect.gen(function* () {
    const first = yield* Deferred.make<Membership>()
    yield* leases.watch((membership) => Deferred.doneUnsafe(first, Effect.succeed(membership)))
    return yield* Deferred.await(first).pipe(Effect.timeoutOption(MEMBERSHIP_WAIT))
  }).pipe(Effect.scoped, Effect.map(Option.getOrElse((): Membership => ({ nodes: new Map(), holders: new Map() }))))
