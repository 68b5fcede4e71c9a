import { Cause, Effect, Exit } from "effect"
import { Actors, type AskName, Controls, type Target as PauseTarget, type Payload } from "../../runtime/index.ts"
import type { Stage } from "../world/scenario.ts"
import type { Act, ActTarget, MortalMessage, SenderPlan } from "./acts.ts"
import { BOOK, LEDGER, type LedgerProtocol, MORTAL } from "./ledger.ts"
import { FAILS, type Fate, type Notes, type Sent } from "./notes.ts"

/** After so many milliseconds a timer of an actor that may stop fires: it may have stopped by then. */
const MORTAL_MILLIS = 2_000
const AGAIN = "300 millis"
/** How long one waits who asks for what fails, and then asks again. */
const INSISTS = "10 seconds"

/** One who does what was planned, one thing after the other, and notes what it is told. */
export class Sender {
  readonly #name: string
  readonly #stage: Stage
  readonly #notes: Notes
  readonly #plan: SenderPlan
  #count = 0

  constructor(name: string, stage: Stage, notes: Notes, plan: SenderPlan) {
    this.#name = name
    this.#stage = stage
    this.#notes = notes
    this.#plan = plan
  }

  readonly run: Effect.Effect<void, never, Actors | Controls> = Effect.suspend(() =>
    Effect.forEach(
      this.#plan.acts,
      ({ at, what }) =>
        Effect.suspend(() => {
          const now = this.#stage.elapsed()
          if (now >= this.#stage.untilMillis) return Effect.void
          return Effect.andThen(Effect.sleep(Math.max(0, at - now)), this.#act(what))
        }),
      { discard: true }
    )
  )

  #act(what: Act): Effect.Effect<void, never, Actors | Controls> {
    switch (what.act) {
      case "burst":
        return this.#burst(what.to, what.count)
      case "repeat":
        return this.#repeat(what.to, what.times, what.atOnce)
      case "move": {
        const token = this.#token()
        const { receiver, amount } = what
        const about = { token, to: nameOf(what.to), what: "move", receiver: `ledger/${receiver}` }
        return this.#ask(what.to, "Move", { token, to: receiver, amount }, about)
      }
      case "arm":
        return this.#plain(what.to, "Arm", { name: what.name, millis: what.millis })
      case "disarm":
        return this.#plain(what.to, "Disarm", { name: what.name })
      case "work":
        return this.#plain(what.to, "Work", { key: what.key })
      case "drop":
        return this.#plain(what.to, "Drop", { key: what.key })
      case "look":
        return this.#look(what.to)
      case "poll": {
        const look = (_: unknown, index: number) =>
          Effect.andThen(Effect.sleep(index * what.everyMillis), this.#look(what.to))
        const looks = Array.from({ length: what.times }, look)
        return Effect.all(looks, { concurrency: "unbounded", discard: true })
      }
      case "fail":
        return this.#fail(protocolOf(what.to), what.to.id)
      case "follow": {
        const token = this.#token()
        const about = { token, to: nameOf(what.to), what: "follow", target: `mortal/${what.mortal}` }
        return this.#ask(what.to, "Follow", { token, target: what.mortal }, about)
      }
      case "mortal":
        return this.#mortal(what.mortal, what.message)
      case "pause":
        return this.#pause(what.to, what.millis)
    }
  }

  #burst(to: ActTarget, count: number): Effect.Effect<void, never, Actors> {
    const tells = Array.from({ length: count }, () => {
      const number = this.#count
      const token = this.#token()
      const sent = this.#sent({ token, to: nameOf(to), what: "put", place: { sender: this.#name, number } })
      return this.#noted(
        sent,
        Actors.use((actors) => actors.tell(protocolOf(to), to.id, "Put", { token }))
      )
    })
    return Effect.all(tells, { concurrency: "unbounded", discard: true })
  }

  #repeat(to: ActTarget, times: number, atOnce: boolean): Effect.Effect<void, never, Actors> {
    const token = `again-${this.#token()}`
    const sent = this.#sent({ token, to: nameOf(to), what: "put" })
    const put = (message: string, digest: string) =>
      Actors.use((actors) =>
        actors.ask(
          protocolOf(to),
          to.id,
          "Put",
          { token: message },
          { messageId: message, once: { key: token, digest } }
        )
      ).pipe(Effect.tap((count) => Effect.sync(() => this.#notes.answered(message, nameOf(to), count))))
    const once = this.#noted(sent, put(token, "one"))
    const all = Array.from({ length: times }, () => once)
    const rival = `${token}-rival`
    const other = Effect.suspend(() =>
      this.#noted(this.#sent({ token: rival, to: nameOf(to), what: "put" }), put(rival, "another"))
    )
    return Effect.all(all, { concurrency: atOnce ? "unbounded" : 1, discard: true }).pipe(Effect.andThen(other))
  }

  #plain<K extends "Arm" | "Disarm" | "Work" | "Drop">(
    to: ActTarget,
    message: K,
    fields: Omit<Payload<LedgerProtocol, K>, "token">
  ): Effect.Effect<void, never, Actors> {
    const token = this.#token()
    // The fields are those of this message, with its token.
    const payload = { ...fields, token } as Payload<LedgerProtocol, K>
    return this.#ask(to, message, payload, { token, to: nameOf(to), what: message.toLowerCase() })
  }

  #mortal(id: string, message: MortalMessage): Effect.Effect<void, never, Actors> {
    if (message === "Fail") return this.#fail(MORTAL, id)
    const token = this.#token()
    const payloads = {
      Put: { token },
      Halt: { token },
      Arm: { token, name: "t", millis: MORTAL_MILLIS },
      Work: { token, key: "t" }
    }
    const sent = this.#sent({ token, to: `mortal/${id}`, what: message.toLowerCase() })
    return this.#noted(
      sent,
      Actors.use((actors) => actors.ask(MORTAL, id, message, payloads[message]))
    )
  }

  #fail(protocol: LedgerProtocol, id: string): Effect.Effect<void, never, Actors> {
    const token = this.#token()
    const sent = this.#sent({ token, to: `${protocol.type}/${id}`, what: FAILS })
    const telling = Actors.use((actors) => actors.tell(protocol, id, "Fail", { token }))
    // Who may stop remembers few ids.
    if (protocol === MORTAL || this.#count % 2 === 0) return this.#noted(sent, telling)
    const options = { messageId: token, timeout: INSISTS } as const
    const asking = Actors.use((actors) => actors.ask(protocol, id, "Fail", { token }, options)).pipe(
      Effect.catchTag("ActorFailed", () => Effect.void)
    )
    return Effect.repeat(this.#noted(sent, asking), { times: 1 })
  }

  #look(to: ActTarget): Effect.Effect<void, never, Actors> {
    return Effect.suspend(() => {
      const before = this.#notes.told(nameOf(to))
      return Actors.use((actors) => actors.ask(protocolOf(to), to.id, "Look", {})).pipe(
        Effect.map((count) => this.#notes.looked(nameOf(to), before, count)),
        Effect.ignore
      )
    })
  }

  #pause(to: ActTarget, millis: number): Effect.Effect<void, never, Controls> {
    const target: PauseTarget = { kind: "actor", address: { type: to.type, id: to.id } }
    const pause = { target, by: "operator", cause: "a rest", since: this.#stage.elapsed() } as const
    return Effect.gen({ self: this }, function* () {
      const controls = yield* Controls
      this.#stage.say(this.#name, `pauses ${nameOf(to)} for ${millis} ms`)
      yield* Effect.ignore(controls.pause(pause))
      yield* Effect.sleep(millis)
      yield* resumeAll
    })
  }

  #ask<K extends AskName<LedgerProtocol>>(
    to: ActTarget,
    message: K,
    payload: Payload<LedgerProtocol, K>,
    about: Omit<Sent, "fate">
  ): Effect.Effect<void, never, Actors> {
    const asked = Actors.use((actors) => actors.ask(protocolOf(to), to.id, message, payload)).pipe(
      Effect.tap((count) => Effect.sync(() => this.#notes.answered(about.token, about.to, Number(count))))
    )
    return this.#noted(this.#sent(about), asked)
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

/** Nothing is paused any more. */
export const resumeAll: Effect.Effect<void, never, Controls> = Effect.gen(function* () {
  const controls = yield* Controls
  while (true) {
    const all = yield* Effect.result(Effect.flatMap(controls.read, ({ all: found }) => resumeEach(controls, found)))
    if (all._tag === "Success" && all.success === 0) return
    yield* Effect.sleep(AGAIN)
  }
})

const resumeEach = (controls: (typeof Controls)["Service"], found: ReadonlyArray<{ readonly target: PauseTarget }>) =>
  Effect.as(
    Effect.forEach(found, ({ target }) => controls.resume(target), { discard: true }),
    found.length
  )

const PROTOCOLS = { ledger: LEDGER, book: BOOK } as const

const protocolOf = ({ type }: ActTarget): typeof LEDGER | typeof BOOK => PROTOCOLS[type]

const nameOf = ({ type, id }: ActTarget): string => `${type}/${id}`

/** The errors that say that nothing was stored. */
const REFUSALS = new Set([
  "LogFull",
  "TooLarge",
  "LogRefused",
  "MailboxFull",
  "Overloaded",
  "InvalidMessage",
  "KeyReused",
  "ActorStopped"
])

const fateAfter = (error: unknown): Fate =>
  error instanceof Error && "_tag" in error && REFUSALS.has(String(error._tag)) ? "refused" : "unknown"

const detailOf = <A, E>(exit: Exit.Exit<A, E>): string =>
  Exit.isSuccess(exit) ? ` ${JSON.stringify(exit.value) ?? ""}` : `, ${String(Cause.squash(exit.cause))}`
