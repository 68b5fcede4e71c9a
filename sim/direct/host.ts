// Actors in virtual time: their own code, without a log.
import { Clock, Effect, Exit } from "effect"
import {
  type ActivityContext,
  type Actor,
  type Address,
  type AskName,
  addressOf,
  type Context,
  formatAddress,
  type MessageName,
  type Payload,
  type Protocol,
  seededRandom
} from "../../runtime/index.ts"
import { type DirectTimer, evolved, type Live, type Message, type Step, type Work } from "./live.ts"
import { wireOf } from "./plain.ts"
import { VirtualClock } from "./virtual-clock.ts"

/** What an actor published, as a subscriber would get it. */
export interface PublishedEvent {
  readonly subject: string
  readonly type: string
  readonly data: unknown
}

/** What an ask came to, as JSON; nothing where nobody has answered yet. */
export type HostAnswer = { readonly outcome: "ok" | "error"; readonly body: unknown } | undefined

export interface HostOptions {
  readonly actors: ReadonlyArray<Actor>
  /** Types of actors whose mail nobody reads here; none unless given. */
  readonly unread?: ReadonlyArray<string>
  /** The time at the beginning, in milliseconds since 1970. */
  readonly startTime: number
  /** Is told every event that is published, in order. */
  readonly hear?: (event: PublishedEvent) => void
}

/**
 * Runs actors as they are on one thread, in virtual time, with no log, no copies and no faults: for evaluation, where millions of
 * messages have to be decided and none can get lost.
 *
 * What it shares with the runtime: decide, evolve, activities and timers of the definitions; mail in the order sent; time and chance by
 * the context. Everything is a function of the actors and of what is asked. What it does without: nothing is durable, a message that fails throws
 * here and parks nothing, and an activity runs at once and once, so it must not wait for the world. Watching and stopping are refused.
 *
 * Guarantee: after `ask`, `tell` and `advanceTo` no message and no activity is left undone.
 */
export class DirectHost {
  readonly #actors: ReadonlyMap<string, Actor>
  readonly #unread: ReadonlySet<string>
  readonly #live = new Map<string, Live>()
  readonly #timers = new Map<string, DirectTimer>()
  readonly #open = new Map<string, Work>()
  readonly #answers = new Map<string, NonNullable<HostAnswer>>()
  readonly #clock: VirtualClock
  readonly #hear: (event: PublishedEvent) => void
  #queue: Array<Message | Work> = []
  #sequence = 0

  constructor({ actors, unread = [], startTime, hear = () => {} }: HostOptions) {
    this.#unread = new Set(unread)
    this.#actors = new Map(actors.map((actor) => [actor.type, actor]))
    this.#clock = new VirtualClock(startTime)
    this.#hear = hear
  }

  /** The time, in milliseconds since 1970. */
  get now(): number {
    return this.#clock.millis
  }

  /** How many messages and outcomes have been decided. */
  get decided(): number {
    return this.#sequence
  }

  /** Asks an actor and lets everything that follows happen. Throws what its code throws. */
  ask<P extends Protocol, K extends AskName<P>>(
    protocol: P,
    id: string,
    message: K,
    payload: Payload<P, K>
  ): HostAnswer {
    const ask = `ask-${this.#sequence + 1}`
    this.#tell(protocol, id, message, payload, ask)
    const answer = this.#answers.get(ask)
    this.#answers.clear()
    return answer
  }

  /** Tells an actor something and lets everything that follows happen. Throws what its code throws. */
  tell<P extends Protocol, K extends MessageName<P>>(
    protocol: P,
    id: string,
    message: K,
    payload: Payload<P, K>
  ): void {
    this.#tell(protocol, id, message, payload, undefined)
  }

  /** Moves the time to an instant, in milliseconds since 1970, firing the timers that fall due in their order. Never back. */
  advanceTo(millis: number): void {
    for (let due = this.#nextTimer(millis); due !== undefined; due = this.#nextTimer(millis)) {
      const [name, { owner, at, message, body, correlationId }] = due
      this.#timers.delete(name)
      this.#clock.moveTo(at)
      this.#queue.push({ to: owner.address, message, body, from: owner.name, ask: undefined, correlationId })
      this.#run()
    }
    this.#clock.moveTo(millis)
  }

  /** The state of one of these actors, or nothing where it has never been written to. */
  stateOf<S>(actor: Actor<S>, id: string): S | undefined {
    const live = this.#live.get(`${actor.type}/${id}`)
    // The state of a live actor is what the evolve of its own definition gave.
    return live?.actor.definition === actor.definition ? (live.state as S) : undefined
  }

  /** Frees an actor that will not be written to any more, such as a round that is closed. A later message would begin it anew. */
  forget(type: string, id: string): void {
    const name = `${type}/${id}`
    this.#live.delete(name)
    for (const key of this.#timers.keys()) if (key.startsWith(`${name}#`)) this.#timers.delete(key)
  }

  #tell(protocol: Protocol, id: string, message: string, payload: unknown, ask: string | undefined): void {
    const body = wireOf(protocol.messages[message]?.payload).encode(payload)
    const correlationId = `c${this.#sequence + 1}`
    this.#queue.push({ to: addressOf(protocol, id), message, body, from: "", ask, correlationId })
    this.#run()
  }

  #nextTimer(until: number): readonly [string, DirectTimer] | undefined {
    let next: readonly [string, DirectTimer] | undefined
    for (const entry of this.#timers) if (entry[1].at <= until && entry[1].at < (next?.[1].at ?? Infinity)) next = entry
    return next
  }

  #run(): void {
    for (let at = 0; at < this.#queue.length; at++) {
      const next = this.#queue[at]!
      if ("owner" in next) this.#work(next)
      else this.#deliver(next)
    }
    this.#queue = []
  }

  #deliver(mail: Message): void {
    if (this.#unread.has(mail.to.type)) return
    const live = this.#activate(mail.to)
    const decide = live.actor.definition.decide[mail.message]
    const spec = live.actor.definition.protocol.messages[mail.message]
    if (decide === undefined || spec === undefined) throw new Error(`${mail.to.type} has no message ${mail.message}`)
    const payload = wireOf(spec.payload).decode(mail.body)
    const context = this.#contextOf(live, mail)
    this.#apply(live, decide(live.state, payload, context), mail, context)
  }

  /** Runs an activity, if nobody has cancelled it, and gives its actor the outcome. */
  #work(work: Work): void {
    const { owner, key, name, input, correlationId } = work
    if (this.#open.get(`${owner.name}#${key}`) !== work) return
    this.#open.delete(`${owner.name}#${key}`)
    const spec = owner.actor.definition.activities?.[name]
    const completed = owner.actor.definition.completed?.[name]
    if (spec === undefined || completed === undefined) throw new Error(`${owner.actor.type} has no activity ${name}`)
    const about: ActivityContext = {
      ...{ self: owner.address, key, attempt: 1, correlationId },
      publish: () => Effect.void,
      tell: (protocol, message, payload) =>
        Effect.sync(() => {
          const body = wireOf(protocol.messages[message]?.payload).encode(payload)
          this.#queue.push({ to: owner.address, message, body, from: owner.name, ask: undefined, correlationId })
        })
    }
    const exit = Effect.runSyncExit(Effect.provideService(spec.run(input, about), Clock.Clock, this.#clock))
    const outcome = Exit.isSuccess(exit)
      ? ({
          _tag: "Succeeded",
          activity: name,
          key,
          value: wireOf(spec.output).decode(wireOf(spec.output).encode(exit.value))
        } as const)
      : ({ _tag: "Failed", activity: name, key, reason: "failure", detail: String(exit.cause) } as const)
    const mail = { to: owner.address, message: "", body: null, from: "", ask: undefined, correlationId }
    const context = this.#contextOf(owner, mail)
    this.#apply(owner, completed(owner.state, outcome, context), mail, context)
  }

  #activate(address: Address): Live {
    const name = formatAddress(address)
    const known = this.#live.get(name)
    if (known !== undefined) return known
    const actor = this.#actors.get(address.type)
    if (actor === undefined) throw new Error(`there is no actor of type ${address.type}`)
    const live = { actor, address, name, state: actor.definition.initial(address) }
    this.#live.set(name, live)
    return live
  }

  #contextOf(live: Live, { ask, correlationId, from }: Message): Context {
    const sequence = ++this.#sequence
    return {
      self: live.address,
      time: this.#clock.millis,
      sequence,
      messageId: `m${sequence}`,
      correlationId,
      from,
      replyTo: ask === undefined ? undefined : { inbox: "host", id: ask },
      random: seededRandom(sequence)
    }
  }

  #apply(live: Live, step: Step, mail: Message, { correlationId }: Context): void {
    const { definition } = live.actor
    const spec = definition.protocol.messages[mail.message]
    for (const operation of step) {
      switch (operation.op) {
        case "persist":
          live.state = evolved(live, operation.event)
          break
        case "publish":
          this.#hear(operation)
          break
        case "send": {
          const { to, message, body } = operation
          this.#queue.push({ to, message, body, from: live.name, ask: undefined, correlationId })
          break
        }
        case "reply":
          this.#answer(mail.ask, "ok", wireOf(spec?.reply).encode(operation.value))
          break
        case "refuse":
          this.#answer(mail.ask, "error", wireOf(spec?.error).encode(operation.error))
          break
        case "answer":
          this.#answer(operation.to.id, operation.outcome, operation.body)
          break
        case "activity": {
          const { name, input } = operation.activity
          const work = { owner: live, key: operation.key, name, input, correlationId }
          this.#open.set(`${live.name}#${operation.key}`, work)
          this.#queue.push(work)
          break
        }
        case "cancelActivity":
          this.#open.delete(`${live.name}#${operation.key}`)
          break
        case "timer": {
          const { name, payload } = operation.message
          const body = wireOf(definition.protocol.messages[name]?.payload).encode(payload)
          const timer = { owner: live, at: Math.ceil(operation.at), message: name, body, correlationId }
          this.#timers.set(`${live.name}#${operation.name}`, timer)
          break
        }
        case "cancel":
          this.#timers.delete(`${live.name}#${operation.name}`)
          break
        default:
          throw new Error(`${live.name} asks for ${operation.op}, which a direct host does not do`)
      }
    }
  }

  #answer(ask: string | undefined, outcome: "ok" | "error", body: unknown): void {
    if (ask !== undefined) this.#answers.set(ask, { outcome, body })
  }
}
