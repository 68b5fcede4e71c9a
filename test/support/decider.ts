import { deepStrictEqual } from "node:assert"
import { Effect, Exit, Schema } from "effect"
import type { ActivityContext, Actor } from "../../runtime/actor.ts"
import { type Address, formatAddress } from "../../runtime/address.ts"
import { encoder } from "../../runtime/codec.ts"
import { type ActorState, applyStep, emptyActor, evolveAll } from "../../runtime/engine/step/actor-state.ts"
import { type Compiled, compile } from "../../runtime/engine/step/compiled.ts"
import { decideMail } from "../../runtime/engine/step/decide.ts"
import type { Commit } from "../../runtime/engine/step/decision.ts"
import { parseReply } from "../../runtime/envelope.ts"
import type { StepRecord } from "../../runtime/journal.ts"
import type { Entry } from "../../runtime/log.ts"
import type { MessageName, Payload, Protocol } from "../../runtime/protocol.ts"

/** One published event, as it was stored. */
export interface Published {
  readonly subject: string
  readonly type: string
  readonly data: unknown
}

export type Answer = { readonly outcome: "ok" | "error"; readonly body: unknown }

type Events = NonNullable<StepRecord["events"]>

interface Live {
  compiled: Compiled
  readonly address: Address
  readonly core: ActorState
  readonly events: Array<Events[number]>
  /** What folding the events gives. */
  folded: unknown
}

interface Mail {
  readonly to: Address
  /** An envelope as JSON. */
  readonly payload: string
}

/** A value as it comes out of JSON. */
const wire = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

const EventPayload = Schema.fromJsonString(Schema.Struct({ type: Schema.String, data: Schema.Unknown }))

/** What a log can take is not asked here. */
const LIMITS = {
  payloadBytesMax: Number.MAX_SAFE_INTEGER,
  groupEntriesMax: Number.MAX_SAFE_INTEGER,
  groupBytesMax: Number.MAX_SAFE_INTEGER
}

interface OpenActivity {
  readonly owner: Address
  readonly key: string
  readonly name: string
  readonly input: unknown
}

/**
 * Actors without a log: the engine decides, in the order of the messages, on one thread, at a time the test moves. What it cannot
 * decide is thrown.
 *
 * After every message, the state is compared with what folding the journal gives, read as it is stored.
 */
export class Decider {
  now = Date.UTC(2024, 0, 2)
  readonly published: Array<Published> = []
  readonly answers = new Map<string, Answer>()
  readonly activities = new Map<string, OpenActivity>()
  readonly timers = new Map<string, { owner: Address; name: string; at: number; payload: string }>()
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
    const body = encoder(protocol.messages[message]?.payload)(payload)
    const envelope = { kind: "message", message, body, id: name, reply: "test", correlation: name }
    this.#mail.push({ to: { type: protocol.type, id }, payload: JSON.stringify(envelope) })
    this.run()
    return this.answers.get(name)
  }

  /** Processes mail until there is none. */
  run(): void {
    for (let mail = this.#mail.shift(); mail !== undefined; mail = this.#mail.shift()) {
      // Mail that no node serves waits, and here for ever.
      if (!this.#actors.has(mail.to.type)) continue
      this.#decide(this.#activate(mail.to), mail.payload)
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
      this.#mail.push({ to: next.owner, payload: next.payload })
      this.run()
    }
    this.now = until
  }

  /** Ends an open activity with a value, and lets everything that follows happen. */
  succeed(owner: string, key: string, value: unknown): void {
    this.#complete(owner, key, ({ compiled }, name) => ({
      _tag: "Succeeded",
      value: compiled.encodeOutput(name, value)
    }))
  }

  /** Ends an open activity with a failure, and lets everything that follows happen. */
  fail(owner: string, key: string, reason: "timeout" | "failure", detail: string): void {
    this.#complete(owner, key, () => ({ _tag: "Failed", reason, detail }))
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
    const spec = this.#activate(owner).compiled.definition.activities![name]!
    const exit = Effect.runSyncExit(spec.run(input, this.#activityContext(owner, key)))
    if (Exit.isSuccess(exit)) this.succeed(formatAddress(owner), key, exit.value)
    else this.fail(formatAddress(owner), key, "failure", String(exit.cause))
  }

  /** Goes on with another version of an actor type, as if its actors had moved to another node. */
  replace(actor: Actor): void {
    this.#actors.set(actor.type, actor)
    for (const live of this.#live.values()) if (live.address.type === actor.type) live.compiled = compile(actor)
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
          const body = encoder(protocol.messages[message]?.payload)(payload)
          const told = { kind: "message", message, body, from: formatAddress(owner), correlation: "activity" }
          this.#mail.push({ to: owner, payload: JSON.stringify(told) })
          this.run()
        })
    }
  }

  /** An actor's events so far, as they are read again. */
  journal(address: string): ReadonlyArray<{ readonly _tag: string }> {
    const live = this.#live.get(address)
    return (live?.events ?? []).map(({ _tag, data }) => ({
      ...Object(live?.compiled.decodeEvent(_tag, data, live.compiled.version)),
      _tag
    }))
  }

  state(address: string): unknown {
    return this.#live.get(address)?.core.state
  }

  /** The data of what was published under a subject. */
  seen(subject: string): ReadonlyArray<unknown> {
    return this.published.filter((event) => event.subject === subject).map((event) => event.data)
  }

  #complete(owner: string, key: string, result: (live: Live, name: string) => unknown): void {
    const open = this.activities.get(`${owner}#${key}`)
    if (open === undefined) throw new Error(`no activity ${key} of ${owner} is open`)
    this.activities.delete(`${owner}#${key}`)
    const live = this.#activate(open.owner)
    const { generation, correlation } = live.core.activities.get(key)!
    const outcome = { kind: "outcome", activity: open.name, key, generation, correlation }
    this.#decide(live, JSON.stringify({ ...outcome, result: result(live, open.name) }))
    this.run()
  }

  #activate(address: Address): Live {
    const key = formatAddress(address)
    const known = this.#live.get(key)
    if (known !== undefined) return known
    const actor = this.#actors.get(address.type)
    if (actor === undefined) throw new Error(`no actor of type ${address.type}`)
    const compiled = compile(actor)
    const folded = actor.definition.initial(address)
    const live = { compiled, address, core: emptyActor(compiled, address), events: [], folded }
    this.#live.set(key, live)
    return live
  }

  #decide(live: Live, payload: string): void {
    const { compiled, core, address } = live
    const mail = { to: address, shard: "", sequence: ++this.#sequence, time: this.now, payload }
    const decision = decideMail(compiled, core, mail, LIMITS)
    if (decision.kind === "failed") throw decision.failure
    if (decision.kind === "newer") throw decision.error
    if (decision.kind === "commit") this.#commit(live, decision)
    for (const answer of decision.answers) this.#answer(answer.payload)
  }

  #commit(live: Live, { step, state, entries }: Commit): void {
    const { compiled, core, address } = live
    applyStep(compiled, core, step, state)
    const events = wire(step.events ?? []) as Events
    live.events.push(...events)
    live.folded = evolveAll(compiled, live.folded, events)
    deepStrictEqual(core.state, live.folded)
    deepStrictEqual(compiled.decodeState(wire(compiled.encodeState(core.state)), compiled.version), live.folded)
    const owner = formatAddress(address)
    for (const key of step.ended ?? []) this.activities.delete(`${owner}#${key}`)
    for (const [key, { activity: name, input }] of Object.entries(step.started ?? {})) {
      const decoded = compiled.decodeInput(name, wire(input))
      this.activities.set(`${owner}#${key}`, { owner: address, key, name, input: decoded })
    }
    for (const entry of entries) this.#store(entry)
  }

  #store(entry: Entry): void {
    switch (entry.kind) {
      case "mail":
        return void this.#mail.push(entry)
      case "event":
        return void this.published.push({
          subject: entry.subject,
          ...Schema.decodeUnknownSync(EventPayload)(entry.payload)
        })
      case "timer":
        return void this.timers.set(`${formatAddress(entry.owner)}#${entry.name}`, entry)
      case "untimer":
        return void this.timers.delete(`${formatAddress(entry.owner)}#${entry.name}`)
      default:
        throw new Error(`a decision stores no ${entry.kind}`)
    }
  }

  #answer(payload: string): void {
    const { id, outcome, body } = parseReply(payload)
    if (outcome !== "ok" && outcome !== "error") throw new Error(`${id} was ${outcome}`)
    if (this.answers.has(id)) throw new Error(`${id} was answered twice`)
    this.answers.set(id, { outcome, body })
  }
}
