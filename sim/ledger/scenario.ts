import { Cause, Effect, Exit, type Scope } from "effect"
import { ActorLog, Actors, type AskName, type MessageName, type Payload } from "../../runtime/index.ts"
import type { Prng } from "../world/prng.ts"
import type { MakeScenario, Stage } from "../world/scenario.ts"
import { BOOK, LEDGER, type LedgerProtocol, ledgerActors, MORTAL } from "./ledger.ts"
import { type Fate, Notes, type Sent } from "./notes.ts"

const CLIENTS_MAX = 2
const SENDERS_MAX = 3
const PROTOCOLS = [LEDGER, BOOK] as const
const IDS = ["a", "b", "c", "d"]
const NAMES = ["t", "u"]
const BURST_MAX = 8
/** What one sender does at most: many short runs find more than few long ones. */
const ACTS_MAX = 16

/** Clients that do at random what actors can do, and note what they are told. */
export const ledgerScenario: MakeScenario = (stage) => {
  const notes = new Notes()
  const clients = 1 + stage.random.below(CLIENTS_MAX)
  const senders = 1 + stage.random.below(SENDERS_MAX)
  const gapMillis = stage.random.pick([200, 1_000, 3_000])
  const actsMax = 4 + stage.random.below(ACTS_MAX)
  return {
    actors: ledgerActors,
    effectless: ["ledger.Look", "book.Look", "mortal.Look"],
    eventsTold: (body) => (typeof body === "number" ? body : undefined),
    clients: Array.from({ length: clients }, (_, client) =>
      Effect.gen(function* () {
        yield* watchFacts(stage)
        const each = Array.from({ length: senders }, (_, index) => {
          const name = `s${client}${index}`
          return new Sender(name, stage, stage.random.split(name), notes, { gapMillis, actsMax }).run
        })
        yield* Effect.all(each, { concurrency: "unbounded", discard: true })
      })
    ),
    verdict: (history) => notes.verdict(history)
  }
}

/** Holds what is seen against what is stored. */
const watchFacts = (stage: Stage): Effect.Effect<void, never, ActorLog | Scope.Scope> =>
  ActorLog.pipe(
    Effect.flatMap((log) =>
      log.watch("fact.>", ({ sequence, subject, payload }) => stage.history().seen(sequence, subject, payload))
    ),
    Effect.ignore
  )

interface Pace {
  /** The mean of what lies between two acts. */
  readonly gapMillis: number
  readonly actsMax: number
}

/** One who sends messages one after the other, or many at once. */
class Sender {
  readonly #name: string
  readonly #stage: Stage
  readonly #random: Prng
  readonly #notes: Notes
  readonly #pace: Pace
  #count = 0

  constructor(name: string, stage: Stage, random: Prng, notes: Notes, pace: Pace) {
    this.#name = name
    this.#stage = stage
    this.#random = random
    this.#notes = notes
    this.#pace = pace
  }

  readonly run: Effect.Effect<void, never, Actors> = Effect.gen({ self: this }, function* () {
    const { gapMillis, actsMax } = this.#pace
    for (let acts = 0; acts < actsMax && this.#stage.elapsed() < this.#stage.untilMillis; acts++) {
      yield* Effect.sleep(-Math.log(1 - this.#random.next()) * gapMillis)
      yield* this.#act()
    }
  })

  #act(): Effect.Effect<void, never, Actors> {
    const random = this.#random
    const protocol = random.pick(PROTOCOLS)
    const id = random.pick(IDS)
    switch (random.below(12)) {
      case 0:
      case 1:
        return this.#burst(protocol, id)
      case 2:
        return this.#repeat(protocol, id)
      case 3:
      case 4: {
        const to = random.pick(IDS)
        const token = this.#token()
        const sent = { token, to: `${protocol.type}/${id}`, what: "move", receiver: `ledger/${to}` }
        return this.#ask(protocol, id, "Move", { token, to, amount: 1 + random.below(9) }, sent)
      }
      case 5:
      case 6: {
        const millis = random.pick([0, 20, 300, 2_000])
        return this.#plain(protocol, id, "Arm", { name: random.pick(NAMES), millis })
      }
      case 7:
        return this.#plain(protocol, id, "Disarm", { name: random.pick(NAMES) })
      case 8:
        return this.#plain(protocol, id, "Work", { key: random.pick(NAMES) })
      case 9:
        return random.chance(0.3)
          ? this.#plain(protocol, id, "Drop", { key: random.pick(NAMES) })
          : this.#look(protocol, id)
      case 10:
        return this.#mortal(protocol, id)
      default:
        return random.chance(0.2) ? this.#tellFail(protocol, id) : this.#look(protocol, id)
    }
  }

  /** Tells, all at once: they arrive in this order. */
  #burst(protocol: LedgerProtocol, id: string): Effect.Effect<void, never, Actors> {
    const to = `${protocol.type}/${id}`
    const tells = Array.from({ length: 1 + this.#random.below(BURST_MAX) }, () => {
      const number = this.#count
      const token = this.#token()
      const sent = this.#sent({ token, to, what: "put", place: { sender: this.#name, number } })
      return this.#noted(
        sent,
        Actors.use((actors) => actors.tell(protocol, id, "Put", { token }))
      )
    })
    return Effect.all(tells, { concurrency: "unbounded", discard: true })
  }

  /** The same message again and again, also at the same time. */
  #repeat(protocol: LedgerProtocol, id: string): Effect.Effect<void, never, Actors> {
    const token = `again-${this.#token()}`
    const to = `${protocol.type}/${id}`
    const sent = this.#sent({ token, to, what: "put" })
    const once = this.#noted(
      sent,
      Actors.use((actors) => actors.ask(protocol, id, "Put", { token }, { messageId: token })).pipe(
        Effect.tap((count) => Effect.sync(() => this.#notes.answered(token, to, count)))
      )
    )
    const times = 2 + this.#random.below(2)
    return Effect.all(
      Array.from({ length: times }, () => once),
      {
        concurrency: this.#random.chance(0.5) ? "unbounded" : 1,
        discard: true
      }
    )
  }

  #plain<K extends "Arm" | "Disarm" | "Work" | "Drop">(
    protocol: LedgerProtocol,
    id: string,
    message: K,
    fields: Omit<Payload<LedgerProtocol, K>, "token">
  ): Effect.Effect<void, never, Actors> {
    const token = this.#token()
    const sent = { token, to: `${protocol.type}/${id}`, what: message.toLowerCase() }
    const payload = { ...fields, token }
    // The fields are those of this message, with its token.
    return this.#ask(protocol, id, message, payload as Payload<LedgerProtocol, K>, sent)
  }

  /** Somebody watches an actor that is to stop, or it is told something, or stopped. */
  #mortal(protocol: LedgerProtocol, id: string): Effect.Effect<void, never, Actors> {
    const target = `m${this.#random.below(3)}`
    const to = `mortal/${target}`
    const token = this.#token()
    switch (this.#random.below(3)) {
      case 0:
        return this.#ask(
          protocol,
          id,
          "Follow",
          { token, target },
          { token, to: `${protocol.type}/${id}`, what: "follow", target: to }
        )
      case 1:
        return this.#ask(MORTAL, target, "Put", { token }, { token, to, what: "put" })
      default:
        return this.#ask(MORTAL, target, "Halt", { token }, { token, to, what: "halt" })
    }
  }

  #tellFail(protocol: LedgerProtocol, id: string): Effect.Effect<void, never, Actors> {
    return Effect.ignore(Actors.use((actors) => actors.tell(protocol, id, "Fail", { token: this.#token() })))
  }

  #look(protocol: LedgerProtocol, id: string): Effect.Effect<void, never, Actors> {
    const to = `${protocol.type}/${id}`
    return Effect.suspend(() => {
      const before = this.#notes.told(to)
      return Actors.use((actors) => actors.ask(protocol, id, "Look", {})).pipe(
        Effect.map((count) => this.#notes.looked(to, before, count)),
        Effect.ignore
      )
    })
  }

  #ask<K extends AskName<LedgerProtocol> & MessageName<LedgerProtocol>>(
    protocol: LedgerProtocol,
    id: string,
    message: K,
    payload: Payload<LedgerProtocol, K>,
    about: Omit<Sent, "fate">
  ): Effect.Effect<void, never, Actors> {
    const sent = this.#sent(about)
    const asked = Actors.use((actors) => actors.ask(protocol, id, message, payload)).pipe(
      Effect.tap((count) => Effect.sync(() => this.#notes.answered(about.token, about.to, Number(count))))
    )
    return this.#noted(sent, asked)
  }

  #sent(about: Omit<Sent, "fate">): Sent {
    return this.#notes.send({ ...about, fate: "refused" })
  }

  /** Notes what came of a message. */
  #noted<A, E>(sent: Sent, sending: Effect.Effect<A, E, Actors>): Effect.Effect<void, never, Actors> {
    return Effect.map(Effect.exit(sending), (exit) => {
      const fate = Exit.isSuccess(exit) ? "accepted" : fateAfter(Cause.squash(exit.cause))
      this.#notes.settle(sent, fate)
      this.#stage.say(this.#name, `${sent.what} ${sent.token} to ${sent.to}: ${fate}${detailOf(exit)}`)
    })
  }

  #token(): string {
    return `${this.#name}.${this.#count++}`
  }
}

/** The errors that say that nothing was stored. */
const REFUSALS = new Set([
  "LogFull",
  "TooLarge",
  "LogRefused",
  "MailboxFull",
  "Overloaded",
  "InvalidMessage",
  "ActorStopped"
])

const fateAfter = (error: unknown): Fate =>
  error instanceof Error && "_tag" in error && REFUSALS.has(String(error._tag)) ? "refused" : "unknown"

const detailOf = <A, E>(exit: Exit.Exit<A, E>): string =>
  Exit.isSuccess(exit) ? ` ${JSON.stringify(exit.value) ?? ""}` : `, ${String(Cause.squash(exit.cause))}`
