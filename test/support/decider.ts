import { deepStrictEqual } from "node:assert"
import { Effect, Exit } from "effect"
import type { ActivityContext, Actor, Context } from "../../runtime/actor.ts"
import { type Address, formatAddress } from "../../runtime/address.ts"
import { decoder, encoder } from "../../runtime/codec.ts"
import type { MessageName, Payload, Protocol } from "../../runtime/protocol.ts"
import type { Operation } from "../../runtime/step.ts"
import { fold, seeded, stored, wire, wireThrough } from "./fold.ts"

/** One published event, as it was stored. */
export interface Published {
  readonly subject: string
  readonly type: string
  readonly data: unknown
}

export type Answer = { readonly outcome: "ok" | "error"; readonly body: unknown }

interface Live {
  actor: Actor
  readonly address: Address
  readonly journal: Array<{ readonly _tag: string }>
  state: unknown
}

interface Mail {
  readonly to: Address
  readonly message: string
  readonly body: unknown
  readonly from: string
  readonly ask: string | undefined
  readonly correlationId: string
}

interface OpenActivity {
  readonly owner: Address
  readonly key: string
  readonly name: string
  readonly input: unknown
}

type AnyOperation = Operation<
  unknown,
  unknown,
  unknown,
  { readonly name: string; readonly payload: unknown },
  { readonly name: string; readonly input: unknown }
>

/**
 * Actors without a runtime: decisions are made in the order of the messages, on one thread, at a time the test moves.
 *
 * Everything an actor says passes through its schemas and JSON, as it would on a wire. After every message, the state
 * is compared with what folding the journal from the start gives.
 */
export class Decider {
  now = Date.UTC(2024, 0, 2)
  readonly published: Array<Published> = []
  readonly answers = new Map<string, Answer>()
  readonly activities = new Map<string, OpenActivity>()
  readonly timers = new Map<string, { owner: Address; name: string; at: number; message: string; body: unknown }>()
  readonly #actors: Map<string, Actor>
  readonly #live = new Map<string, Live>()
  readonly #mail: Array<Mail> = []
  #sequence = 0

  constructor(actors: ReadonlyArray<Actor>) {
    this.#actors = new Map(actors.map((actor) => [actor.type, actor]))
  }

  /** Sends a message as an ask and lets everything that follows happen. The answer, once there is one, is in `answers`. */
  ask<P extends Protocol, K extends MessageName<P>>(
    protocol: P,
    id: string,
    message: K,
    payload: Payload<P, K>,
    name = `ask-${this.#sequence}`
  ): Answer | undefined {
    const body = wire(encoder(protocol.messages[message]?.payload)(payload))
    this.#mail.push({ to: { type: protocol.type, id }, message, body, from: "", ask: name, correlationId: name })
    this.run()
    return this.answers.get(name)
  }

  /** Processes mail until there is none. */
  run(): void {
    for (let mail = this.#mail.shift(); mail !== undefined; mail = this.#mail.shift()) {
      // Mail that no node serves waits, and here for ever.
      if (!this.#actors.has(mail.to.type)) continue
      const live = this.#activate(mail.to)
      const payload = decoder(live.actor.definition.protocol.messages[mail.message]?.payload)(mail.body)
      const decide = live.actor.definition.decide[mail.message]!
      this.#perform(live, mail, (context) => decide(live.state, payload, context))
    }
  }

  /** Moves the time, firing the timers that fall due, in order. */
  advance(millis: number): void {
    const until = this.now + millis
    for (;;) {
      const [key, next] = [...this.timers].toSorted(([, a], [, b]) => a.at - b.at)[0] ?? []
      if (key === undefined || next === undefined || next.at > until) break
      this.timers.delete(key)
      this.now = Math.max(this.now, next.at)
      this.#send(next.owner, next.owner, next.message, next.body, "timer")
      this.run()
    }
    this.now = until
  }

  /** Ends an open activity with a value, and lets everything that follows happen. */
  succeed(owner: string, key: string, value: unknown): void {
    this.#complete(owner, key, (name) => ({ _tag: "Succeeded", activity: name, key, value }))
  }

  /** Ends an open activity with a failure, and lets everything that follows happen. */
  fail(owner: string, key: string, reason: "timeout" | "failure", detail: string): void {
    this.#complete(owner, key, (name) => ({ _tag: "Failed", activity: name, key, reason, detail }))
  }

  /** Runs the open activities with the code the actors give for them, as often as new ones are started. */
  runActivities(): void {
    while (this.activities.size > 0) this.runOne()
  }

  /** Runs the oldest open activity. */
  runOne(): void {
    const [open] = this.activities.values()
    if (open === undefined) throw new Error("no activity is open")
    const { owner, key, name, input } = open
    const spec = this.#activate(owner).actor.definition.activities![name]!
    const exit = Effect.runSyncExit(spec.run(input, this.#activityContext(owner, key)))
    if (Exit.isSuccess(exit)) this.succeed(formatAddress(owner), key, wireThrough(spec.output, exit.value))
    else this.fail(formatAddress(owner), key, "failure", String(exit.cause))
  }

  /** Goes on with another version of an actor type, as if its actors had moved to another node. */
  replace(actor: Actor): void {
    this.#actors.set(actor.type, actor)
    for (const live of this.#live.values()) if (live.actor.type === actor.type) live.actor = actor
  }

  /** What an activity publishes and tells while it runs is seen and sent. */
  #activityContext(owner: Address, key: string): ActivityContext {
    return {
      self: owner,
      key,
      attempt: 1,
      correlationId: "activity",
      publish: (spec, subject, data) =>
        Effect.sync(() => {
          this.published.push({ subject, type: spec.type, data: wire(encoder(spec.data)(data)) })
        }),
      tell: (protocol, message, payload) =>
        Effect.sync(() => {
          this.#send(owner, owner, message, wire(encoder(protocol.messages[message]?.payload)(payload)), "activity")
          this.run()
        })
    }
  }

  /** An actor's events so far, as stored. */
  journal(address: string): ReadonlyArray<{ readonly _tag: string }> {
    return this.#live.get(address)?.journal ?? []
  }

  state(address: string): unknown {
    return this.#live.get(address)?.state
  }

  /** The data of what was published under a subject. */
  seen(subject: string): ReadonlyArray<unknown> {
    return this.published.filter((event) => event.subject === subject).map((event) => event.data)
  }

  #complete(owner: string, key: string, outcome: (name: string) => unknown): void {
    const open = this.activities.get(`${owner}#${key}`)
    if (open === undefined) throw new Error(`no activity ${key} of ${owner} is open`)
    this.activities.delete(`${owner}#${key}`)
    const live = this.#activate(open.owner)
    const completed = live.actor.definition.completed![open.name]!
    const mail = {
      to: open.owner,
      message: "",
      body: null,
      from: "",
      ask: undefined,
      correlationId: "activity"
    }
    this.#perform(live, mail, (context) => completed(live.state, outcome(open.name), context))
    this.run()
  }

  #activate(address: Address): Live {
    const key = formatAddress(address)
    const known = this.#live.get(key)
    if (known !== undefined) return known
    const actor = this.#actors.get(address.type)
    if (actor === undefined) throw new Error(`no actor of type ${address.type}`)
    const live = { actor, address, journal: [], state: actor.definition.initial(address) }
    this.#live.set(key, live)
    return live
  }

  #perform(live: Live, mail: Mail, decide: (context: Context) => ReadonlyArray<AnyOperation>): void {
    const sequence = ++this.#sequence
    const context: Context = {
      self: live.address,
      time: this.now,
      sequence,
      messageId: `m${sequence}`,
      correlationId: mail.correlationId,
      from: mail.from,
      replyTo: mail.ask === undefined ? undefined : { inbox: "test", id: mail.ask },
      random: seeded(sequence)
    }
    for (const operation of decide(context)) this.#apply(live, operation, mail, context)
    const { definition } = live.actor
    const folded = live.journal.reduce(
      (state, event) => fold(live.actor, state, event),
      definition.initial(live.address)
    )
    deepStrictEqual(live.state, folded)
    deepStrictEqual(wireThrough(definition.state, live.state), folded)
  }

  #apply(live: Live, operation: AnyOperation, mail: Mail, context: Context): void {
    const { protocol, activities } = live.actor.definition
    const messages = protocol.messages
    switch (operation.op) {
      case "persist": {
        const event = stored(live.actor, operation.event)
        live.journal.push(event)
        live.state = fold(live.actor, live.state, event)
        return
      }
      case "reply":
        this.#answer(mail.ask, "ok", encoder(messages[mail.message]?.reply)(operation.value))
        return
      case "refuse":
        this.#answer(mail.ask, "error", encoder(messages[mail.message]?.error)(operation.error))
        return
      case "answer":
        this.#answer(operation.to.id, operation.outcome, operation.body)
        return
      case "send":
        this.#send(live.address, operation.to, operation.message, wire(operation.body), mail.correlationId)
        return
      case "publish":
        this.published.push({ subject: operation.subject, type: operation.type, data: wire(operation.data) })
        return
      case "timer": {
        const { name: message, payload } = operation.message
        const body = wire(encoder(messages[message]?.payload)(payload))
        const timer = { owner: live.address, name: operation.name, at: operation.at, message, body }
        this.timers.set(`${formatAddress(context.self)}#${operation.name}`, timer)
        return
      }
      case "cancel":
        this.timers.delete(`${formatAddress(context.self)}#${operation.name}`)
        return
      case "activity": {
        const { name, input } = operation.activity
        const open = {
          owner: live.address,
          key: operation.key,
          name,
          input: wireThrough(activities![name]!.input, input)
        }
        this.activities.set(`${formatAddress(live.address)}#${operation.key}`, open)
        return
      }
      case "cancelActivity":
        this.activities.delete(`${formatAddress(live.address)}#${operation.key}`)
    }
  }

  #answer(ask: string | undefined, outcome: "ok" | "error", body: unknown): void {
    if (ask === undefined) return
    if (this.answers.has(ask)) throw new Error(`${ask} was answered twice`)
    this.answers.set(ask, { outcome, body: wire(body) })
  }

  #send(from: Address, to: Address, message: string, body: unknown, correlationId: string): void {
    this.#mail.push({ to, message, body, from: formatAddress(from), ask: undefined, correlationId })
  }
}
