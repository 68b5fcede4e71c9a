import { Context, Effect, identity, Layer, Option, Stream } from "effect"
import { type Acts, checkSelection, letterOf, makeActs, type RetryError } from "./acting.ts"
import { type Address, formatAddress, type InvalidAddress } from "./address.ts"
import { Archive, type Journal, type Selection } from "./archive.ts"
import { Controls, type Pause, type Target } from "./controls.ts"
import { type DeadLetter, type NoSuchLetter, readLetter } from "./dead-letters.ts"
import type { DropError, DropOptions, Dropped } from "./dropping.ts"
import { typeOfLane } from "./engine/shard/serving.ts"
import type { ReadError } from "./errors.ts"
import { type Inspection, type InspectOptions, inspect, type NoSuchActor, type Sources } from "./inspection.ts"
import { type Announcement, Leases, type Membership } from "./leases.ts"
import { ActorLog } from "./log.ts"
import { type Recording, readRecording } from "./replay/recording.ts"
import { membershipOf, type WaitingActor, waitingOf } from "./waiting.ts"

export type { RetryError } from "./acting.ts"

/** A node that is alive, as it last said of itself. */
export interface LiveNode extends Pick<Announcement, "labels" | "types" | "declines" | "since" | "residents" | "open"> {
  readonly name: string
  /** How many shards it holds. */
  readonly shards: number
}

/** What became of one letter of many. */
export interface Retried {
  readonly letter: DeadLetter
  /** Nothing where it was retried. */
  readonly failure: RetryError | undefined
}

export interface RetryOptions {
  /** At most so many letters a second, above 0; as many as the log takes, unless given. */
  readonly perSecond?: number | undefined
}

/** What people do to a running system: look at it, hold parts of it, and deal with what could not be processed. */
export class Operators extends Context.Service<
  Operators,
  {
    /**
     * Pauses: what is told is stored and waits. Every node follows within moments, once it has done what it is at.
     * The first 1,000 characters of `cause` are kept.
     *
     * @returns false, and nothing changes, if the same target is paused already
     */
    readonly pause: (target: Target, cause: string) => Effect.Effect<boolean, ReadError | InvalidAddress>

    /** Lets it go on. False if it was not paused. What a wider pause holds stays paused. */
    readonly resume: (target: Target) => Effect.Effect<boolean, ReadError | InvalidAddress>

    /**
     * Lets go on the actors of a target that the runtime paused one by one, because they could not go on: the actor, those of
     * the type, or all. What a person paused stays so. Gives the pauses that were lifted; who fails again is paused again.
     */
    readonly resumeFailed: (target: Target) => Effect.Effect<ReadonlyArray<Pause>, ReadError | InvalidAddress>

    /** All pauses, oldest first. */
    readonly paused: Effect.Effect<ReadonlyArray<Pause>, ReadError>

    /** Actors that have a journal, in order of their names, from after `after` (`type/id`), at most `max`. */
    readonly actors: (
      selection: Selection,
      after: string | undefined,
      max: number
    ) => Effect.Effect<ReadonlyArray<Journal>, ReadError | InvalidAddress>

    /**
     * Actors for which messages wait, longest first: of the first `max` that have mail, in order of their names. What had no
     * effect may count for some seconds after it was decided.
     */
    readonly waiting: (
      selection: Selection,
      max: number
    ) => Effect.Effect<ReadonlyArray<WaitingActor>, ReadError | InvalidAddress>

    /** All there is of an actor. It only reads: the actor does not notice. */
    readonly inspect: (
      address: Address,
      options?: InspectOptions
    ) => Effect.Effect<Inspection, ReadError | NoSuchActor | InvalidAddress>

    /** All that is stored of an actor by which it can be replayed. It only reads: the actor does not notice. */
    readonly recording: (address: Address) => Effect.Effect<Recording, ReadError | NoSuchActor | InvalidAddress>

    /** Dead letters, oldest first, from after a sequence, at most `max`. */
    readonly letters: (
      selection: Selection,
      after: number,
      max: number
    ) => Effect.Effect<ReadonlyArray<DeadLetter>, ReadError | InvalidAddress>

    readonly letter: (sequence: number) => Effect.Effect<DeadLetter, ReadError | NoSuchLetter>

    /**
     * Gives a letter's message to its actor again, behind what is in its mailbox, and removes the letter.
     *
     * The message has one effect, also where this is tried again after a failure half way: the server knows it for two
     * minutes, and the actor, by its id, for as long as it remembers ids. Nobody is sent the answer to it.
     */
    readonly retry: (sequence: number) => Effect.Effect<void, RetryError>

    /**
     * Retries all letters that there are now, oldest first, and says of each what became of it. One that fails stops no
     * other. What fails again becomes a new letter, which is not tried a second time.
     */
    readonly retryAll: (
      selection: Selection,
      options?: RetryOptions
    ) => Stream.Stream<Retried, ReadError | InvalidAddress>

    /** Removes a letter for good. */
    readonly drop: (sequence: number) => Effect.Effect<void, ReadError | NoSuchLetter>

    /** Removes all letters that there are now, for good. Gives how many. */
    readonly dropAll: (selection: Selection) => Effect.Effect<number, ReadError | InvalidAddress>

    /**
     * Removes all undecided mail of the actors of a type, or of one actor. They have to be paused, unless no live node has
     * their type: `NotHeld` otherwise, and nothing is removed. The first 10,000 actors that have mail, in order of their names.
     */
    readonly dropMail: (
      selection: Selection & { readonly type: string },
      options: DropOptions
    ) => Effect.Effect<Dropped, DropError | InvalidAddress>

    /** The live nodes, in order of their names. */
    readonly nodes: Effect.Effect<ReadonlyArray<LiveNode>, ReadError>
  }
>()("conclave/runtime/Operators") {
  static readonly layer: Layer.Layer<Operators, never, ActorLog | Archive | Controls | Leases> = Layer.effect(
    this,
    Effect.gen(function* () {
      const membership = membershipOf(yield* Leases)
      const sources = { log: yield* ActorLog, archive: yield* Archive, controls: yield* Controls, membership }
      return makeOperators(sources, makeActs(sources))
    })
  )
}

/** Looks by what may be read, and acts by what may be done, wherever that is. */
export const makeOperators = (sources: Sources, acts: Acts): Operators["Service"] => {
  const { archive, controls, membership } = sources
  const lettersOf = (selection: Selection, after: number, max: number) =>
    Effect.map(archive.letters(selection, after, max), (all) => all.map(readLetter))
  return Operators.of({
    ...acts,
    paused: Effect.map(controls.read, ({ all }) => all),
    actors: (selection, after, max) =>
      Effect.andThen(checkSelection(selection), archive.journals(selection, after, max)),
    waiting: (selection, max) => Effect.andThen(checkSelection(selection), waitingOf(sources, selection, max)),
    inspect: (address, options) => inspect(sources, address, options ?? {}),
    recording: (address) => readRecording(archive, address),
    letters: (selection, after, max) => Effect.andThen(checkSelection(selection), lettersOf(selection, after, max)),
    letter: (sequence) => letterOf(sources, sequence),
    retryAll: (selection, options) =>
      present(sources, selection).pipe(
        Stream.mapEffect((letter, index) =>
          acts.retry(letter.sequence).pipe(
            Effect.match({ onSuccess: () => undefined, onFailure: (failure) => failure }),
            Effect.map((failure) => ({ letter, failure })),
            index === 0 ? identity : slowly(options)
          )
        )
      ),
    dropAll: (selection) =>
      present(sources, selection).pipe(
        Stream.mapEffect(({ sequence }) =>
          Effect.as(acts.drop(sequence), 1).pipe(Effect.catchTag("NoSuchLetter", () => Effect.succeed(0)))
        ),
        Stream.runFold(
          () => 0,
          (count, dropped) => count + dropped
        )
      ),
    nodes: Effect.map(membership, nodesOf)
  })
}

/** Letters are read so many at a time: each may be as large as a message. */
const LETTERS_PAGE = 50

/** The letters that there are when it begins: what is parked meanwhile is not among them. */
const present = ({ archive }: Sources, selection: Selection): Stream.Stream<DeadLetter, ReadError | InvalidAddress> =>
  Stream.unwrap(
    Effect.map(Effect.andThen(checkSelection(selection), archive.newest), (newest) =>
      Stream.paginate(0, (after: number) =>
        Effect.map(archive.letters(selection, after, LETTERS_PAGE), (page) => {
          const letters = page.filter(({ sequence }) => sequence <= newest)
          const last = letters.length < LETTERS_PAGE ? undefined : letters.at(-1)?.sequence
          return [letters.map(readLetter), Option.fromUndefinedOr(last)] as const
        })
      )
    )
  )

const slowly =
  (options: RetryOptions | undefined) =>
  <A>(retry: Effect.Effect<A>): Effect.Effect<A> =>
    options?.perSecond === undefined ? retry : Effect.delay(retry, 1_000 / options.perSecond)

const nodesOf = ({ nodes, holders }: Membership): ReadonlyArray<LiveNode> => {
  const held = [...holders].flatMap(([shard, holder]) => (typeOfLane(shard) === undefined ? [holder] : []))
  return Array.from(nodes, ([name, { labels, types, declines, since, residents, open }]) => {
    const shards = held.filter((holder) => holder === name).length
    return { name, shards, labels, types, declines, since, residents, open }
  }).toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

/** A target as a sentence names it: `everything`, `type counter`, `counter/a`. */
export const formatTarget = (target: Target): string => {
  if (target.kind === "everything") return "everything"
  return target.kind === "type" ? `type ${target.type}` : formatAddress(target.address)
}
