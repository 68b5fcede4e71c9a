import { Effect, Latch, Schedule, Schema, type Scope } from "effect"
import { Actors, type AskError, NoNodeServes } from "../runtime/index.ts"

/** Why `/readyz` says no. `detail` is for people, and names no secret. */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", { detail: Schema.String }) {}

/** Asks an actor something that changes nothing. `attempt` counts up, so that it need not always be the same actor. */
export type Probe = (attempt: number, timeoutMillis: number) => Effect.Effect<unknown, AskError, Actors>

export interface ServingOptions {
  readonly probe: Probe
  /** How often it is asked while nothing else is answered. */
  readonly everyMillis: number
  /** How long one probe is waited for. */
  readonly timeoutMillis: number
  /** After so long without an answer, though it was asked, nobody is believed to serve. */
  readonly silenceMillis: number
}

/** The shards of a node that died are with others well within the silence; no ask repeats itself within the timeout. */
export const SERVING = { everyMillis: 4_000, timeoutMillis: 3_500, silenceMillis: 12_000 } as const

/** Whether what is asked of actors is stored and answered. */
export interface Serving {
  /** Succeeds if something was answered, and lately. */
  readonly ready: Effect.Effect<void, NotReady>
  /** The actors. While nobody answers, an ask fails with `NoNodeServes` and is not sent; one that waits by then fails, too. */
  readonly actors: Actors["Service"]
}

/**
 * Finds out, until the scope closes, whether actors answer: any answer says so, and where there is none, a probe is sent. A
 * probe has to be stored before it can be answered, so that it tells of a log that stores nothing as well.
 */
export const watchServing = (options: ServingOptions): Effect.Effect<Serving, never, Actors | Scope.Scope> =>
  Effect.gen(function* () {
    const actors = yield* Actors
    const answers = new Answers(options.silenceMillis)
    let attempt = 0
    const probing = Effect.suspend(() =>
      answers.areNewerThan(options.everyMillis)
        ? Effect.void
        : options.probe(attempt++, options.timeoutMillis).pipe(
            Effect.andThen(answers.heard),
            Effect.catch((error) => (SAID_BY_ACTORS.has(error._tag) ? answers.heard : answers.missed(error))),
            Effect.catchDefect((defect) => Effect.logError("nobody could be asked whether they serve", defect))
          )
    )
    yield* Effect.forkScoped(Effect.repeat(probing, Schedule.spaced(options.everyMillis)))
    const ask: Actors["Service"]["ask"] = (protocol, id, message, payload, given) =>
      answers.unlessSilent(actors.ask(protocol, id, message, payload, given))
    return { ready: answers.ready, actors: { ...actors, ask } }
  })

/** What an actor, or the node that it is on, has answered, though it is no good news. */
const SAID_BY_ACTORS: ReadonlySet<AskError["_tag"]> = new Set([
  "ActorFailed",
  "ActorStopped",
  "KeyReused",
  "MailboxFull"
])

/** When answers came, and what became of the questions since. */
class Answers {
  readonly #silenceMillis: number
  /** Open while nobody is believed to serve. */
  readonly #silent = Latch.makeUnsafe(false)
  #heardAt = performance.now()
  #everHeard = false
  #missed: AskError | undefined

  constructor(silenceMillis: number) {
    this.#silenceMillis = silenceMillis
  }

  areNewerThan(millis: number): boolean {
    return this.#everHeard && this.#ageMillis < millis
  }

  readonly heard: Effect.Effect<void> = Effect.suspend(() => {
    this.#heardAt = performance.now()
    this.#everHeard = true
    this.#missed = undefined
    if (!this.#silent.isOpen()) return Effect.void
    this.#silent.closeUnsafe()
    return Effect.logInfo("actors answer again")
  })

  missed(error: AskError): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#missed = error
      if (this.#ageMillis < this.#silenceMillis || this.#silent.isOpen()) return Effect.void
      this.#silent.openUnsafe()
      return Effect.logWarning("no actor answers", { reason: this.#cause })
    })
  }

  unlessSilent<A, E, R>(asking: Effect.Effect<A, E, R>): Effect.Effect<A, E | NoNodeServes, R> {
    const refused = Effect.suspend(() => Effect.fail(new NoNodeServes({ detail: this.#cause })))
    return Effect.suspend(() => {
      if (this.#silent.isOpen()) return refused
      const answered = Effect.tap(asking, this.heard)
      return Effect.raceFirst(answered, Effect.andThen(this.#silent.await, refused))
    })
  }

  readonly ready: Effect.Effect<void, NotReady> = Effect.suspend(() => {
    const refused = this.#missed !== undefined && this.#missed._tag !== "AskTimeout"
    const fine = this.#everHeard && !refused && !this.#silent.isOpen()
    return fine ? Effect.void : Effect.fail(new NotReady({ detail: this.#cause }))
  })

  get #ageMillis(): number {
    return performance.now() - this.#heardAt
  }

  get #cause(): string {
    const since = this.#everHeard ? `for ${Math.round(this.#ageMillis / 1_000)} seconds` : "since this gateway started"
    const error = this.#missed
    if (error === undefined) return `nothing was stored and answered ${since}`
    return error._tag === "AskTimeout"
      ? `nothing was stored and answered ${since}: no node serves, or the log does not confirm what is sent to it`
      : `nothing was stored and answered ${since}: ${error.message}`
  }
}
