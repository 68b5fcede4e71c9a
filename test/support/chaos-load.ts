// The load of the chaos test: senders that remember what they were told of each message, and the comparison at the end.
import { Effect, Semaphore } from "effect"
import { Actors } from "../../runtime/index.ts"
import { type Book, LedgerProtocol, type LedgerReport, MirrorProtocol, type Task } from "./chaos-actors.ts"

export const CHAOS_SHARDS = 16
export const CHAOS_REPLICAS = 3
export const CHAOS_TTL_SECONDS = 2
export const KEYS = 20
const SENDERS = 4
/** A sender sends so many messages, then pauses: some 400 messages a second by all. */
const BURST = 10
const PAUSE = "100 millis"
/** So many of a sender's messages may be on their way. */
const IN_FLIGHT = 200
const ASK_TIMEOUT = "40 seconds"

/** What a sender knows of the messages it sent to one ledger. */
export interface Sent {
  readonly sender: string
  readonly key: string
  next: number
  readonly accepted: Set<number>
  /** They failed with a typed error, and may have happened or not. */
  readonly unknown: Set<number>
}

export interface Totals {
  accepted: number
  answered: number
  unknown: number
}

export interface Load {
  readonly sent: ReadonlyArray<Sent>
  readonly totals: Totals
  /** Sends until interrupted or told to stop, and then waits for what is on its way. */
  readonly run: (stopped: () => boolean) => Effect.Effect<void, never, Actors>
}

const TASKS: ReadonlyArray<Task> = ["nothing", "nothing", "nothing", "timer", "cancelled timer", "pass on", "pass on"]

/** Senders whose choices are drawn from `random`, which gives numbers in [0, 1). */
export const makeLoad = (random: () => number): Load => {
  const totals: Totals = { accepted: 0, answered: 0, unknown: 0 }
  const senders = Array.from({ length: SENDERS }, (_, index) =>
    Array.from({ length: KEYS }, (_, key): Sent => {
      return { sender: `sender${index}`, key: `k${key}`, next: 1, accepted: new Set(), unknown: new Set() }
    })
  )
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!

  const sendOne = (to: Sent): Effect.Effect<void, never, Actors> => {
    const payload = { sender: to.sender, number: to.next++, task: pick(TASKS) }
    const asked = random() < 0.2
    const sending: Effect.Effect<unknown, unknown, Actors> = Actors.use((actors) =>
      asked
        ? actors.ask(LedgerProtocol, to.key, "Take", payload, { timeout: ASK_TIMEOUT })
        : actors.tell(LedgerProtocol, to.key, "Take", payload)
    )
    return sending.pipe(
      Effect.match({
        onSuccess: () => {
          to.accepted.add(payload.number)
          totals.accepted++
          if (asked) totals.answered++
        },
        onFailure: () => {
          to.unknown.add(payload.number)
          totals.unknown++
        }
      })
    )
  }

  const runOne = (books: ReadonlyArray<Sent>, stopped: () => boolean) =>
    Effect.gen(function* () {
      const window = Semaphore.makeUnsafe(IN_FLIGHT)
      while (!stopped()) {
        for (let count = 0; count < BURST; count++) {
          yield* window.take(1)
          const sending = Effect.ensuring(sendOne(pick(books)), window.release(1))
          yield* Effect.forkChild(sending, { startImmediately: true })
        }
        yield* Effect.sleep(PAUSE)
      }
      yield* window.take(IN_FLIGHT)
    })

  return {
    sent: senders.flat(),
    totals,
    run: (stopped) =>
      Effect.forEach(senders, (books) => runOne(books, stopped), { concurrency: "unbounded", discard: true })
  }
}

/** What the actors say at the end, by key. */
export interface Outcome {
  readonly ledgers: ReadonlyMap<string, LedgerReport>
  readonly mirrors: ReadonlyMap<string, Readonly<Record<string, Book>>>
}

/** Asks every actor what reached it. */
export const readOutcome = Effect.gen(function* () {
  const actors = yield* Actors
  const ledgers = new Map<string, LedgerReport>()
  const mirrors = new Map<string, Readonly<Record<string, Book>>>()
  const options = { timeout: ASK_TIMEOUT } as const
  for (let index = 0; index < KEYS; index++) {
    const key = `k${index}`
    ledgers.set(key, yield* actors.ask(LedgerProtocol, key, "Report", {}, options))
    mirrors.set(key, yield* actors.ask(MirrorProtocol, key, "Report", {}, options))
  }
  return { ledgers, mirrors }
})

/** Whether everything that is on its way has arrived: timers that fire, messages that were passed on. */
export const isSettled = ({ ledgers, mirrors }: Outcome): boolean =>
  [...ledgers].every(
    ([key, ledger]) =>
      ledger.set === ledger.fired + ledger.cancelled && (mirrors.get(key)?.ledger?.last ?? 0) === ledger.passed
  )

/** Everything that is not as it must be, in sentences; none if every accepted message had exactly one effect, in order. */
export const complaintsOf = (sent: ReadonlyArray<Sent>, { ledgers, mirrors }: Outcome): ReadonlyArray<string> => [
  ...sent.flatMap((each) => complaintsOfSender(each, ledgers.get(each.key)?.books[each.sender])),
  ...[...ledgers].flatMap(([key, ledger]) => [
    ...ledger.stray.map((name) => `ledger ${key}: the timer ${name} fired although it was not open`),
    ...(ledger.set === ledger.fired + ledger.cancelled
      ? []
      : [`ledger ${key}: ${ledger.set} timers set, ${ledger.fired} fired, ${ledger.cancelled} cancelled`]),
    ...complaintsOfMirror(key, ledger.passed, mirrors.get(key)?.ledger)
  ])
]

const complaintsOfSender = (sent: Sent, book: Book | undefined): ReadonlyArray<string> => {
  const from = `${sent.sender} to ${sent.key}`
  const lost = [...sent.accepted].filter((number) => number > (book?.last ?? 0) || book?.missing.includes(number))
  const late = (book?.late ?? []).filter((number) => !sent.unknown.has(number))
  return [
    ...lost.map((number) => `${from}: message ${number} was accepted and had no effect`),
    ...(book?.twice ?? []).map((number) => `${from}: message ${number} had two effects`),
    ...late.map((number) => `${from}: message ${number} came after a later one`),
    ...((book?.last ?? 0) >= sent.next ? [`${from}: message ${book?.last} was never sent`] : [])
  ]
}

const complaintsOfMirror = (key: string, passed: number, book: Book | undefined): ReadonlyArray<string> => {
  const whole = (book?.last ?? 0) === passed && (book?.missing.length ?? 0) === 0
  const once = (book?.twice.length ?? 0) === 0 && (book?.late.length ?? 0) === 0
  return whole && once ? [] : [`mirror ${key}: ${passed} were passed on, and it has ${JSON.stringify(book)}`]
}
