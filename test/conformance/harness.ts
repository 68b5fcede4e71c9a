import { Context, Effect, type Scope } from "effect"
import { type ActorLog, type Address, type Entry, type Mail, shardOf } from "../../runtime/index.ts"

export type Log = ActorLog["Service"]

/** What the suite needs of an implementation beside the port itself. Whoever gives it also says what time is. */
export class Harness extends Context.Service<
  Harness,
  {
    /** A process's log on a namespace of 8 shards. Called again with the same name, it is another process's log on the same. */
    readonly open: (namespace: string) => Effect.Effect<Log, unknown, Scope.Scope>
    /** Makes the server remember the ids of a namespace for no longer than this. */
    readonly rememberFor: (namespace: string, millis: number) => Effect.Effect<void, unknown>
    /** Lets so many milliseconds pass. */
    readonly sleep: (millis: number) => Effect.Effect<void>
    /** The time now, in milliseconds since 1970, as the log counts it. */
    readonly now: Effect.Effect<number>
  }
>()("conclave/test/conformance/Harness") {}

/** What is true of every implementation, each with what shows it on a namespace of its own. */
export type Truths = Readonly<Record<string, Effect.Effect<void, unknown, Harness | Scope.Scope>>>

export const SHARDS = 8

let namespaces = 0

/** A log that nobody else uses. */
export const fresh = Effect.suspend(() => Harness.use((harness) => harness.open(`n${++namespaces}`)))

/** A log that nobody else uses, whose ids are remembered for no longer than this. */
export const freshForgetful = (millis: number) =>
  Effect.suspend(() => {
    const namespace = `n${++namespaces}`
    return Harness.use(({ open, rememberFor }) => Effect.tap(open(namespace), () => rememberFor(namespace, millis)))
  })

/** Two processes' logs on the same namespace. */
export const freshPair = Effect.suspend(() => {
  const namespace = `n${++namespaces}`
  return Harness.use((harness) => Effect.all([harness.open(namespace), harness.open(namespace)]))
})

export const actor = (id: string, role?: string): Address =>
  role === undefined ? { type: "thing", id } : { type: "thing", id, role }

export const mail = (to: Address, payload: unknown, id?: string): Entry =>
  id === undefined
    ? { kind: "mail", to, payload: JSON.stringify(payload) }
    : { kind: "mail", to, payload: JSON.stringify(payload), id }

export const record = (
  owner: Address,
  expected: number,
  payload: unknown,
  options: { readonly snapshot?: boolean; readonly truncate?: boolean; readonly unschedules?: string } = {}
): Entry => ({
  kind: "journal",
  owner,
  payload: JSON.stringify(payload),
  expected,
  snapshot: options.snapshot ?? false,
  truncate: options.truncate ?? false,
  ...(options.unschedules !== undefined && { unschedules: options.unschedules })
})

export const event = (subject: string, payload: unknown): Entry => ({
  kind: "event",
  subject,
  payload: JSON.stringify(payload)
})

export const timer = (owner: Address, name: string, at: number, payload: unknown): Entry => ({
  kind: "timer",
  owner,
  name,
  at,
  payload: JSON.stringify(payload)
})

export const untimer = (owner: Address, name: string): Entry => ({ kind: "untimer", owner, name })

/** Its firing is processed, before the log fired it. */
export const fired = (owner: Address, name: string): Entry => ({ kind: "untimer", owner, name, fired: true })

/** The shards of some actors, each from after a sequence. */
export const shardsOf = (actors: ReadonlyArray<Address>, after = 0): ReadonlyMap<string, number> =>
  new Map(actors.map((each) => [shardOf(each, SHARDS), after]))

/** Reads the mail of some shards into an array, until the scope closes. */
export const collect = (log: Log, after: ReadonlyMap<string, number>) =>
  Effect.gen(function* () {
    const seen: Array<Mail> = []
    yield* log.tail(after, (each) => {
      seen.push(each)
      return undefined
    })
    return seen
  })

export const payloads = (mails: ReadonlyArray<{ readonly payload: string }>): ReadonlyArray<unknown> =>
  mails.map(({ payload }) => JSON.parse(payload))

const STEP_MILLIS = 20

/** Waits until something is so, ten seconds at most; what is asserted next says what it is instead. */
export const until = (holds: () => boolean, millis = 10_000): Effect.Effect<void, never, Harness> =>
  Harness.use(({ sleep }) => {
    const wait = (left: number): Effect.Effect<void> =>
      Effect.suspend(() =>
        holds() || left <= 0 ? Effect.void : Effect.flatMap(sleep(STEP_MILLIS), () => wait(left - STEP_MILLIS))
      )
    return wait(millis)
  })

/** Time enough for what should not come, to come. */
export const aWhile = Harness.use(({ sleep }) => sleep(300))

/** The error that an effect fails with. */
export const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error._tag)
