import { Effect, Schema } from "effect"
import { Allowance } from "../allowance.ts"
import { type GatewayLimits, limitNames } from "../policy.ts"

/** A client, or all of them together, began or sent as much as may be in a time. `rule` says what may be. */
export class OverBudget extends Schema.TaggedError<OverBudget>()("OverBudget", {
  rule: Schema.String,
  /** Whole seconds, after which it may be tried again. */
  retry_after: Schema.Int
}) {
  override get message() {
    return `${this.rule}: try again in ${this.retry_after} s`
  }
}

/** What one client may have stored, over time. */
export interface Budget {
  /** Counts rounds or analyses that are begun, with what was sent; waits for their turn among those of all clients. */
  readonly begin: (body: unknown, rounds?: number) => Effect.Effect<void, OverBudget>
  /** Counts anything else that is stored, such as a round that is asked for again with its key. */
  readonly store: (body: unknown) => Effect.Effect<void, OverBudget>
}

export type BudgetLimits = Pick<GatewayLimits, "roundsPerMinute" | "roundsPerSecond" | "bytesPerMinute" | "bytesPerDay">

const MINUTE_SECONDS = 60
const DAY_SECONDS = 24 * 60 * MINUTE_SECONDS

/** What a round costs besides what was sent for it: its journal and its events stay. */
const ROUND_BYTES = 16 * 1024
/** What anything else costs at the least. */
const MESSAGE_BYTES = 1024
/** The part of a minute's rounds that a client may begin at once. */
const BURST_SHARE = 1 / 5
/** How long a round waits for its turn among those of all clients, in milliseconds. What would wait longer is refused. */
const TURN_MILLIS_MAX = 5_000
/**
 * How many rounds of one client wait for their turn, and as how many an allocation counts there: some clients that want too much
 * leave room in the line for others.
 */
const WAITING_MAX = 5
/** How long it takes to save up the rounds that all clients together may begin at once, in milliseconds. */
const SAVED_MILLIS = 5_000
/** Clients that are remembered; what was counted of the one who asked longest ago is forgotten first. */
const CLIENTS_MAX = 10_000

interface Spent {
  readonly rounds: Allowance
  readonly minute: Allowance
  readonly day: Allowance
  /** Rounds that wait for their turn. */
  waiting: number
}

interface Charge {
  readonly from: Allowance
  readonly amount: number
  readonly rule: string
}

/**
 * Counts what clients have stored, by who they are, whatever connections they have, so that none fills the disk; and lets the rounds of
 * all clients together go ahead at a rate that leaves the nodes to the market and the switches, which pass here uncounted.
 */
export class Budgets {
  readonly #limits: BudgetLimits
  readonly #now: () => number
  readonly #clients = new Map<string, Spent>()
  /** When the next round may begin. */
  #turnAt = Number.NEGATIVE_INFINITY

  /** `now` is in milliseconds, on any clock that only goes forward. */
  constructor(limits: BudgetLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  of(subject: string): Budget {
    return {
      begin: (body, rounds = 1) =>
        Effect.suspend(() => {
          const spent = this.#spent(subject)
          const { roundsPerMinute } = this.#limits
          const rule = `one client begins at most ${roundsPerMinute} rounds and analyses a minute (${limitNames.roundsPerMinute})`
          const wanted = { from: spent.rounds, amount: rounds, rule }
          // Nobody pays for what the others' load refuses.
          return Effect.andThen(
            this.#crowded(spent),
            Effect.andThen(
              this.#take([wanted, ...this.#bytes(spent, bytesOf(body) + rounds * ROUND_BYTES)]),
              Effect.suspend(() => this.#turn(spent, rounds))
            )
          )
        }),
      store: (body) =>
        Effect.suspend(() => this.#take(this.#bytes(this.#spent(subject), Math.max(MESSAGE_BYTES, bytesOf(body)))))
    }
  }

  #bytes({ minute, day }: Spent, amount: number): ReadonlyArray<Charge> {
    const { bytesPerMinute, bytesPerDay } = this.#limits
    const rule = (most: number, time: string, name: string) =>
      `one client has at most ${most} bytes stored a ${time}, where each round counts as ${ROUND_BYTES} (${name})`
    return [
      { from: minute, amount, rule: rule(bytesPerMinute, "minute", limitNames.bytesPerMinute) },
      { from: day, amount, rule: rule(bytesPerDay, "day", limitNames.bytesPerDay) }
    ]
  }

  /** All or nothing. */
  #take(wanted: ReadonlyArray<Charge>): Effect.Effect<void, OverBudget> {
    const now = this.#now()
    for (const { from, amount, rule } of wanted) {
      const wait = from.waitFor(amount, now)
      if (wait > 0) return Effect.fail(new OverBudget({ rule, retry_after: Math.ceil(wait / 1_000) }))
    }
    for (const { from, amount } of wanted) from.spend(amount)
    return Effect.void
  }

  #crowded(spent: Spent): Effect.Effect<void, OverBudget> {
    const { roundsPerSecond } = this.#limits
    const wait = this.#turnAt - this.#now()
    if (wait <= TURN_MILLIS_MAX && (wait <= 0 || spent.waiting < WAITING_MAX)) return Effect.void
    const rule = `all clients together begin at most ${roundsPerSecond} rounds and analyses a second (${limitNames.roundsPerSecond})`
    return Effect.fail(new OverBudget({ rule, retry_after: Math.ceil(wait / 1_000) }))
  }

  #turn(spent: Spent, rounds: number): Effect.Effect<void> {
    const now = this.#now()
    const at = Math.max(now - SAVED_MILLIS, this.#turnAt)
    const wait = at - now
    this.#turnAt = at + (Math.min(rounds, WAITING_MAX) * 1_000) / this.#limits.roundsPerSecond
    if (wait <= 0) return Effect.void
    spent.waiting++
    return Effect.ensuring(
      Effect.sleep(wait),
      Effect.sync(() => {
        spent.waiting--
      })
    )
  }

  #spent(subject: string): Spent {
    const { roundsPerMinute, bytesPerMinute, bytesPerDay } = this.#limits
    const now = this.#now()
    const spent = this.#clients.get(subject) ?? {
      rounds: new Allowance(roundsPerMinute / MINUTE_SECONDS, Math.max(1, roundsPerMinute * BURST_SHARE), now),
      minute: new Allowance(bytesPerMinute / MINUTE_SECONDS, bytesPerMinute, now),
      day: new Allowance(bytesPerDay / DAY_SECONDS, bytesPerDay, now),
      waiting: 0
    }
    this.#clients.delete(subject)
    this.#clients.set(subject, spent)
    if (this.#clients.size > CLIENTS_MAX) {
      const [longestAgo] = this.#clients.keys()
      if (longestAgo !== undefined) this.#clients.delete(longestAgo)
    }
    return spent
  }
}

const bytesOf = (body: unknown): number => Buffer.byteLength(JSON.stringify(body) ?? "")
