// Actors in virtual time: their own code, without a log.
import { Clock, Effect, Exit } from "effect"
import {
  type ActivityContext,
  type Actor,
  type Address,
  type AskName,
  addressOf,
  type Compiled,
  compileUnlogged,
  type Envelope,
  formatAddress,
  type MessageName,
  type Payload,
  type Protocol,
  type StepEntry,
  UnloggedActor
} from "../../runtime/index.ts"
import { plainCodecs, wireOf } from "./plain.ts"
import { VirtualClock } from "./virtual-clock.ts"

interface Message {
  readonly to: Address
  readonly envelope: Envelope
}

/** An activity that is to be run. */
interface Work {
  readonly owner: UnloggedActor
  readonly key: string
  readonly generation: number
}

interface DirectTimer extends Message {
  readonly at: number
}

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
 * The engine decides and folds, as in the runtime; mail comes in the order sent; time and chance are by the step. Everything is a
 * function of the actors and of what is asked. What it does without: nothing is durable, a message that fails throws here and parks
 * nothing, and an activity runs at once and once, so it must not wait for the world. Watching and stopping are refused.
 *
 * Guarantee: after `ask`, `tell` and `advanceTo` no message and no activity is left undone.
 */
export class DirectHost {
  readonly #actors: ReadonlyMap<string, { readonly actor: Actor; readonly compiled: Compiled }>
  readonly #unread: ReadonlySet<string>
  readonly #live = new Map<string, UnloggedActor>()
  readonly #timers = new Map<string, DirectTimer>()
  readonly #answers = new Map<string, NonNullable<HostAnswer>>()
  readonly #clock: VirtualClock
  readonly #hear: (event: PublishedEvent) => void
  #queue: Array<Message | Work> = []
  #sequence = 0

  constructor({ actors, unread = [], startTime, hear = () => {} }: HostOptions) {
    this.#unread = new Set(unread)
    this.#actors = new Map(
      actors.map((actor) => [actor.type, { actor, compiled: compileUnlogged(actor, plainCodecs) }])
    )
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
      const [name, timer] = due
      this.#timers.delete(name)
      this.#clock.moveTo(timer.at)
      this.#queue.push(timer)
      this.#run()
    }
    this.#clock.moveTo(millis)
  }

  /** The state of one of these actors, or nothing where it has never been written to. */
  stateOf<S>(actor: Actor<S>, id: string): S | undefined {
    const known = this.#actors.get(actor.type)?.actor.definition === actor.definition
    // The state of a live actor is what the evolve of its own definition gave.
    return known ? (this.#live.get(`${actor.type}/${id}`)?.state as S | undefined) : undefined
  }

  /** Frees an actor that will not be written to any more, such as a round that is closed. A later message would begin it anew. */
  forget(type: string, id: string): void {
    const name = `${type}/${id}`
    this.#live.delete(name)
    for (const key of this.#timers.keys()) if (key.startsWith(`${name}#`)) this.#timers.delete(key)
  }

  #tell(protocol: Protocol, id: string, message: string, payload: unknown, ask: string | undefined): void {
    const body = wireOf(protocol.messages[message]?.payload).encode(payload)
    const asked = ask === undefined ? {} : { id: ask, reply: "host" }
    const envelope = { kind: "message", message, body, correlation: `c${this.#sequence + 1}`, ...asked } as const
    this.#queue.push({ to: addressOf(protocol, id), envelope })
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

  #deliver({ to, envelope }: Message): void {
    if (this.#unread.has(to.type)) return
    this.#decide(this.#activate(to), envelope)
  }

  /** Runs an activity, if nobody has cancelled it, and gives its actor the outcome. */
  #work({ owner, key, generation }: Work): void {
    const open = owner.activity(key)
    if (open === undefined || open.generation !== generation) return
    const { name, run, input, correlation } = open
    if (run === undefined) throw new Error(`${owner.address.type} has no activity ${name}`)
    const about: ActivityContext = {
      ...{ self: owner.address, key, attempt: 1, correlationId: correlation },
      publish: () => Effect.void,
      tell: (protocol, message, payload) =>
        Effect.sync(() => {
          const body = wireOf(protocol.messages[message]?.payload).encode(payload)
          const from = formatAddress(owner.address)
          this.#queue.push({ to: owner.address, envelope: { kind: "message", message, body, from, correlation } })
        })
    }
    const exit = Effect.runSyncExit(Effect.provideService(run(input, about), Clock.Clock, this.#clock))
    const result = Exit.isSuccess(exit)
      ? ({ _tag: "Succeeded", value: owner.encodeOutput(name, exit.value) } as const)
      : ({ _tag: "Failed", reason: "failure", detail: String(exit.cause) } as const)
    this.#decide(owner, { kind: "outcome", activity: name, key, generation, result, correlation })
  }

  #activate(address: Address): UnloggedActor {
    const name = formatAddress(address)
    const known = this.#live.get(name)
    if (known !== undefined) return known
    const type = this.#actors.get(address.type)
    if (type === undefined) throw new Error(`there is no actor of type ${address.type}`)
    const live = new UnloggedActor(type.compiled, address)
    this.#live.set(name, live)
    return live
  }

  #decide(owner: UnloggedActor, envelope: Envelope): void {
    if (envelope.kind === "watch") throw new Error(`${envelope.from} watches, which a direct host does not do`)
    const sequence = ++this.#sequence
    const { outgoing, answers, started } = owner.take(envelope, sequence, this.#clock.millis)
    if (owner.stopped) throw new Error(`${formatAddress(owner.address)} stops, which a direct host does not do`)
    for (const each of outgoing) this.#send(each)
    for (const { id, outcome, body } of answers) this.#answers.set(id, { outcome, body })
    for (const key of started) this.#queue.push({ owner, key, generation: sequence })
  }

  #send(each: StepEntry): void {
    if (each.kind === "untimer") return void this.#timers.delete(`${formatAddress(each.owner)}#${each.name}`)
    if (!("value" in each)) throw new Error(`a direct host stores no ${each.kind}`)
    if (each.kind === "mail") return void this.#queue.push({ to: each.to, envelope: each.value })
    if (each.kind === "event") return this.#hear({ subject: each.subject, ...each.value })
    const { owner: to, name, at, value: envelope } = each
    this.#timers.set(`${formatAddress(to)}#${name}`, { to, at, envelope })
  }
}
