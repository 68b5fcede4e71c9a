// One shard of the real engine in a world of its own: no server and no clock, and nothing happens but what the test does.
import { Effect, Fiber, Schema } from "effect"
import type { Activation } from "../../runtime/engine/actor/activation.ts"
import type { Collaborators } from "../../runtime/engine/actor/collaborators.ts"
import { TypeLimiters } from "../../runtime/engine/actor/type-limiter.ts"
import { Shard } from "../../runtime/engine/shard/shard.ts"
import { applyRecord, emptyActor } from "../../runtime/engine/step/actor-state.ts"
import type { Entry, JournalRecord, Mail } from "../../runtime/index.ts"
import { parseRecord } from "../../runtime/journal.ts"
import { ManualClock } from "./manual-clock.ts"
import { decodeSeen, type Kind, makeModel } from "./model.ts"

const decodeReply = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String }))
const decodeLetter = Schema.decodeUnknownSync(Schema.Struct({ sequence: Schema.Int }))

export const OWNERS = ["a", "b"] as const
export type Owner = (typeof OWNERS)[number]

/** How the committing of a group ends. */
export type Fate = "stored" | "lost" | "stored, and the answer lost" | "refused"

export class ShardWorld {
  readonly #flaky = new Set<number>()
  readonly #compiled = makeModel(this.#flaky)
  readonly #mails: Array<Mail & { readonly kind: Kind; readonly n: number }> = []
  readonly #journals = new Map<string, Array<JournalRecord>>(OWNERS.map((id) => [id, []]))
  #sequence = 0
  readonly #clock = new ManualClock()
  readonly #loads = new Set<{ readonly activation: Activation }>()
  readonly #reads = new Set<{ readonly activation: Activation; readonly from: number; mails?: ReadonlyArray<Mail> }>()
  readonly #ready = new Set<Activation>()
  #flight: { readonly activation: Activation; readonly entries: ReadonlyArray<Entry> } | undefined
  readonly #paused = new Set<string>()
  leased = true
  open = 0
  #characters = 0
  readonly parked = new Set<number>()
  readonly answered = new Map<number, number>()
  #done = new Set<number>()
  #delivered = 0
  #doneUpTo = 0
  #abandoned = new Set<Activation>()
  readonly #limiter = new TypeLimiters(this.#clock)
  #shard: Shard = this.#makeShard()

  #makeShard(): Shard {
    return new Shard("any.0", {
      activations: this.#activations,
      types: new Map([["model", this.#compiled]]),
      watermarks: { of: () => 0 },
      unserved: { met: () => {} },
      pausing: { tell: () => {}, went: () => {} },
      cache: {
        add: () => {},
        forget: (activation) => {
          this.#abandoned.add(activation)
          this.#ready.delete(activation)
          this.#limiter.forget(activation)
        }
      },
      served: new Set(),
      timers: { met: () => {} },
      meter: {
        processed: ({ sequence }) => {
          if (this.#done.has(sequence)) throw new Error(`${sequence} is done twice`)
          this.#done.add(sequence)
        }
      },
      flow: {
        opened: (count, characters) => {
          this.open += count
          this.#characters += characters
        },
        closed: (count, characters) => {
          this.open -= count
          this.#characters -= characters
        }
      }
    })
  }

  get #activations(): Collaborators<Activation> {
    return {
      limits: { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 4_000_000 },
      clock: this.#clock,
      right: { mayDecide: () => this.leased },
      pauses: { isPaused: ({ id }) => this.#paused.has(id) },
      limiter: this.#limiter,
      watchdog: { deciding: (_, __, run) => run() },
      reader: {
        journal: (activation) => void this.#loads.add({ activation }),
        mail: (activation, from) => void this.#reads.add({ activation, from })
      },
      committer: this.#ready,
      quarantine: {
        tooOld: () => {},
        giveUp: (activation) =>
          this.#clock.later(0, () => activation.shut() && this.pause(activation.address.id as Owner))
      },
      crowding: { crowded: () => {} },
      snapshots: { missed: () => {} },
      timing: { dueAt: () => 0, graceOf: () => undefined },
      effects: {
        replies: {
          answer: (_, payload) => {
            const { id } = decodeReply(JSON.parse(payload))
            this.answered.set(Number(id), (this.answered.get(Number(id)) ?? 0) + 1)
          }
        },
        timers: { stored: () => {} },
        activities: { start: () => {}, stop: () => {} }
      }
    }
  }

  tell(id: Owner, kind: Kind): void {
    const n = ++this.#sequence
    if (kind === "Flaky") this.#flaky.add(n)
    const asked = kind === "Read" && { id: String(n), reply: "inbox" }
    const payload = JSON.stringify({ kind: "message", message: kind, body: { n }, correlation: "c", ...asked })
    const to = { type: "model", id }
    this.#mails.push({ to, shard: "any.0", sequence: n, time: this.#clock.now(), payload, kind, n })
  }

  /** The tail brings what is next. */
  deliver(count: number): void {
    for (const mail of this.#mails.filter(({ sequence }) => sequence > this.#delivered).slice(0, count)) {
      if (!this.leased) return
      this.#delivered = mail.sequence
      this.#shard.deliver(mail)
    }
  }

  load(): void {
    const [next] = this.#loads
    if (next !== undefined) this.#loads.delete(next)
    if (next === undefined || this.#abandoned.has(next.activation)) return
    next.activation.recover(this.#journals.get(next.activation.address.id) ?? [])
  }

  /** A part of a backlog is found, and given to who asked for it only later. */
  find(max: number): void {
    for (const read of this.#reads) {
      if (read.mails !== undefined) continue
      const { id } = read.activation.address
      read.mails = this.#mails.filter(({ to, sequence }) => to.id === id && sequence >= read.from).slice(0, max)
      return
    }
  }

  give(): void {
    for (const read of this.#reads) {
      if (read.mails === undefined) continue
      this.#reads.delete(read)
      if (!this.#abandoned.has(read.activation)) read.activation.refill(read.mails)
      return
    }
  }

  gather(): void {
    if (this.#flight !== undefined) return
    const [activation] = this.#ready
    if (activation !== undefined) this.#ready.delete(activation)
    const entries = activation?.takeGroup()
    if (activation !== undefined && entries !== undefined) this.#flight = { activation, entries }
  }

  settle(fate: Fate): void {
    const flight = this.#flight
    this.#flight = undefined
    const record = flight?.entries[0]
    if (flight === undefined || record?.kind !== "journal") return
    const { activation } = flight
    const journal = this.#journals.get(record.owner.id) ?? []
    if ((journal.at(-1)?.sequence ?? 0) !== record.expected || fate === "lost") return activation.reload()
    if (fate === "refused") return activation.refuse(new Error("too large"))
    for (const entry of flight.entries) {
      if (entry.kind === "dead") this.parked.add(decodeLetter(JSON.parse(entry.payload)).sequence)
    }
    const sequence = ++this.#sequence
    this.#journals.set(record.owner.id, [...(record.truncate ? [] : journal), { sequence, payload: record.payload }])
    this.#sequence += flight.entries.length
    if (fate === "stored") activation.committed(sequence)
    else activation.reload()
  }

  pause(id: Owner): void {
    this.#paused.add(id)
    this.#shard.review()
  }

  resume(id: Owner): void {
    this.#paused.delete(id)
    this.#shard.review()
  }

  lease(leased: boolean): void {
    this.leased = leased
    if (leased) this.#shard.resume()
  }

  /** Time passes. */
  wait(millis: number): void {
    this.#clock.pass(millis)
  }

  /** Another owner gets the shard, and reads from where this one said that it was done. It may have been given up in order. */
  move(orderly: boolean): void {
    this.#doneUpTo = Math.max(this.#doneUpTo, this.#shard.progress.doneUpTo)
    const draining = orderly ? Effect.runFork(this.#shard.drain) : undefined
    if (orderly) this.settle("stored")
    draining?.pipe(Fiber.interrupt, Effect.runFork)
    this.#shard.drop()
    if (this.open !== 0) throw new Error(`${this.open} messages are open after the shard was given up`)
    this.#done = new Set()
    this.#delivered = this.#doneUpTo
    this.#shard = this.#makeShard()
  }

  /** All that is under way comes to its end; who fails is not waited for. */
  rest(): void {
    for (let round = 0; round < 10_000; round++) {
      this.wait(0)
      this.deliver(50)
      this.load()
      this.find(7)
      this.give()
      this.gather()
      this.settle("stored")
      if (!this.#busy) return
    }
    throw new Error("it does not come to rest")
  }

  get #busy(): boolean {
    const undelivered = this.leased && this.#mails.some(({ sequence }) => sequence > this.#delivered)
    const busy = this.#loads.size + this.#reads.size + this.#ready.size > 0 || this.#flight !== undefined
    return undelivered || this.#clock.isDue || busy
  }

  /** What is paused holds nothing in memory. */
  restPaused(): void {
    for (const id of OWNERS) this.pause(id)
    this.lease(true)
    this.rest()
    if (this.open !== 0) throw new Error(`${this.open} messages are open although all is paused`)
  }

  /** All trouble ends, and everything is done. */
  finish(): void {
    this.lease(true)
    for (const id of OWNERS) this.resume(id)
    for (let round = 0; round < 200; round++) {
      this.rest()
      this.wait(1_000)
      for (const id of OWNERS) this.resume(id)
    }
  }

  /** What must be so at any time. */
  check(): void {
    const { open, doneUpTo } = this.#shard.progress
    if (open !== this.open) throw new Error(`${open} messages are open, and ${this.open} were counted`)
    if ((open === 0) !== (this.#characters === 0)) throw new Error(`${this.#characters} characters in ${open} messages`)
    if (open < 0) throw new Error(`${open} messages are open`)
    const undone = this.#mails.find((mail) => mail.sequence <= doneUpTo && !this.#isDone(mail))
    if (undone !== undefined) throw new Error(`${undone.sequence} could be purged and is not done`)
  }

  #isDone({ sequence, to, kind }: Mail & { readonly kind: Kind }): boolean {
    if (kind === "Read") return this.#done.has(sequence) || sequence <= this.#doneUpTo
    return sequence <= this.coreOf(to.id).consumed
  }

  coreOf(id: string) {
    const core = emptyActor(this.#compiled, { type: "model", id })
    for (const { payload } of this.#journals.get(id) ?? []) applyRecord(this.#compiled, core, parseRecord(payload))
    return core
  }

  seenBy(id: Owner): ReadonlyArray<number> {
    return decodeSeen(this.coreOf(id).state).seen
  }

  /** What an actor has to have seen: everything that can have an effect and is not parked, in the order told. */
  toldTo(id: Owner): ReadonlyArray<number> {
    const seen = this.#mails.filter(({ to, kind, n }) => to.id === id && kind !== "Read" && !this.parked.has(n))
    return seen.map(({ n }) => n)
  }

  get asked(): ReadonlyArray<number> {
    return this.#mails.filter(({ kind }) => kind === "Read").map(({ n }) => n)
  }

  /** Those who fail always. */
  get poisonous(): ReadonlyArray<number> {
    return this.#mails.filter(({ kind }) => kind === "Poison").map(({ n }) => n)
  }
}
