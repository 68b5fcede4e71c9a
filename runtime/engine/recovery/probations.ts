import { Effect, Option, Schema, Semaphore } from "effect"
import type { Address } from "../../address.ts"
import type { Controls } from "../../controls.ts"
import type { Inherited, Leases } from "../../leases.ts"
import type { ActorLog } from "../../log.ts"
import { pauseUnrecoverable } from "../quarantine/unrecoverable.ts"
import { GUILTY, Probation, suspicionAfter } from "./probation.ts"

/** What was noted longer ago than this says nothing of what happens now, in milliseconds. */
const NOTE_MILLIS = 600_000
const POLL = "5 millis"
/** So many tests a node runs at once, or one that could have somebody paused. */
const TESTS_MAX = 1_000
/** How long those who are tested may take. A decision that takes longer holds up this process, and the test with it. */
const TEST_MILLIS = 2_000
/** Once nobody's mail waits for so long, the shard is as any other. */
const QUIET_MILLIS = 1_000

const Note = Schema.fromJsonString(
  Schema.Struct({
    /** When it was written, in milliseconds since 1970. */
    at: Schema.Int,
    /** Who was let through a moment later. */
    tested: Schema.Array(Schema.String),
    /** Who is suspected, and how much. */
    suspects: Schema.Record(Schema.String, Schema.Int)
  })
)
const readNote = Schema.decodeUnknownOption(Note)
const formatNote = Schema.encodeSync(Note)

/** What a probation needs of its shard. */
export interface TestedShard {
  readonly name: string
  readonly serving: boolean
  /** Its actors are tested before they get mail. False if it is too late for that. */
  readonly test: (probation: Probation) => boolean
  /** Gives an actor the mail that waited. Gives the sequence of the last of it. */
  readonly pass: (actor: string) => number
  /** Whether nothing of an actor is undone up to a sequence, or nothing can be done of it. */
  readonly isDone: (actor: string, sequence: number) => boolean
}

interface ProbationsHost {
  readonly leases: Leases["Service"]
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds by a clock that only goes forward. */
  readonly elapsed: () => number
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** Pauses an actor whose messages end the process that decides them. */
  readonly pause: (actor: Address) => Effect.Effect<void>
}

/**
 * Finds the actor with a message that ends whatever process decides it, and pauses it.
 *
 * A process that ends can tell nobody. So whoever takes a shard that was not given back notes who is decided next, some at a
 * time, before it decides. Where it ends as well, the next owner knows among whom to look, and tests fewer of them together, in
 * the end one, and nobody else on its node meanwhile: who was being tested alone when a process ended is paused. The most
 * suspected is tested last, since processes end for other reasons too.
 */
export class Probations {
  readonly #host: ProbationsHost
  readonly #pending = new Map<string, Probation>()
  readonly #testing = Semaphore.makeUnsafe(TESTS_MAX)

  constructor(host: ProbationsHost) {
    this.#host = host
  }

  /** To be done after a shard was taken, and before it is served. */
  taken(shard: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const inherited = yield* this.#host.leases.inherited(shard)
      if (inherited === undefined) return void this.#pending.delete(shard)
      const suspects = this.#suspectsIn(inherited)
      const guilty = [...suspects].flatMap(([actor, suspicion]) => (suspicion >= GUILTY ? actor : []))
      for (const actor of guilty) yield* this.#host.pause(addressOf(actor))
      const probation = new Probation(suspects, new Set(guilty))
      this.#pending.set(shard, probation)
      yield* this.#note(shard, probation, [])
    }).pipe(Effect.catch((error) => Effect.logDebug("nothing is known of who had a shard", { shard, error })))
  }

  /** The shard is served from now on: gives it its probation, if it has one. */
  begin(shard: TestedShard): void {
    const probation = this.#pending.get(shard.name)
    if (probation === undefined || !shard.test(probation)) return
    this.#pending.delete(shard.name)
    this.#host.fork(this.#run(shard, probation))
  }

  #suspectsIn({ note }: Inherited): Map<string, number> {
    const found = Option.getOrUndefined(note === undefined ? Option.none() : readNote(note))
    if (found === undefined || this.#host.now() - found.at > NOTE_MILLIS) return new Map()
    const suspects = new Map(Object.entries(found.suspects))
    const together = found.tested.length
    for (const actor of found.tested) suspects.set(actor, suspicionAfter(suspects.get(actor) ?? 0, together))
    return suspects
  }

  #run(shard: TestedShard, probation: Probation): Effect.Effect<void> {
    const { elapsed } = this.#host
    return Effect.gen({ self: this }, function* () {
      let quietSince = elapsed()
      while (shard.serving && elapsed() - quietSince < QUIET_MILLIS) {
        const group = probation.next()
        if (group.length === 0) {
          yield* Effect.sleep(POLL)
          continue
        }
        const permits = group.some((actor) => probation.isAlone(actor)) ? TESTS_MAX : 1
        yield* this.#testing.withPermits(permits)(this.#test(shard, probation, group))
        quietSince = elapsed()
      }
      if (!shard.serving) return
      probation.end()
      for (const actor of probation.undone) shard.pass(actor[0])
      yield* Effect.ignore(this.#host.leases.note(shard.name, undefined))
    })
  }

  #test(shard: TestedShard, probation: Probation, group: ReadonlyArray<string>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      yield* this.#note(shard.name, probation, group)
      const until = this.#host.elapsed() + TEST_MILLIS
      const last = group.map((actor) => [actor, shard.pass(actor)] as const)
      const isDone = () => last.every(([actor, sequence]) => shard.isDone(actor, sequence))
      while (shard.serving && this.#host.elapsed() < until && !isDone()) yield* Effect.sleep(POLL)
      // Nobody is blamed for what happens after its test.
      yield* this.#note(shard.name, probation, [])
    })
  }

  /** What cannot be noted is tested all the same: it is only a help for whoever comes next. */
  #note(shard: string, { left }: Probation, tested: ReadonlyArray<string>): Effect.Effect<void> {
    const text = formatNote({ at: this.#host.now(), tested, suspects: Object.fromEntries(left) })
    return Effect.ignore(this.#host.leases.note(shard, text))
  }
}

const addressOf = (actor: string): Address => {
  const at = actor.indexOf("/")
  return { type: actor.slice(0, at), id: actor.slice(at + 1) }
}

/** Pauses by the controls, with an alert and a line in the log that name the actor. */
export const makeProbations = ({
  log,
  controls,
  ...host
}: Omit<ProbationsHost, "pause"> & {
  readonly log: ActorLog["Service"]
  readonly controls: Controls["Service"]
}): Probations =>
  new Probations({
    ...host,
    pause: (actor) =>
      pauseUnrecoverable(log, controls, actor, REASON, host.now(), { crashed: true }).pipe(
        Effect.catch((error) => Effect.logError("an actor that ends processes could not be paused", { error }))
      )
  })

const REASON =
  "each process that decided a message of it ended: look at its mail (conclave actors inspect), take that out (conclave actors drop), and let it go on (conclave actors resume)"
