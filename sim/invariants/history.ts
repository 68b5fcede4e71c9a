import {
  type Actor,
  type Address,
  canonical,
  type Envelope,
  formatAddress,
  type Mail,
  parseEnvelope,
  parseRecord,
  parseReply
} from "../../runtime/index.ts"
import type { Commit, Observer } from "../log/store.ts"
import { type Breach, Broken, INVARIANTS } from "./breach.ts"
import { Fold } from "./fold.ts"
import { Life } from "./life.ts"

interface Letter {
  readonly to: string
  readonly address: Address
  readonly envelope: Envelope
  readonly time: number
}

export interface HistoryOptions {
  readonly actors: ReadonlyArray<Actor>
  /** How many events an answer tells of, if it says so: there must be as many in the journal. */
  readonly eventsTold?: (body: unknown) => number | undefined
  /** What is broken in an actor as it is after a record. */
  readonly always?: (life: Life) => Breach | undefined
}

/**
 * All that was ever stored, and by it the laws that hold for every actor. It sees what the server does, and nothing of
 * what the runtime thinks.
 */
export class History implements Required<Pick<Observer, "committed" | "purged" | "answered">> {
  readonly #options: HistoryOptions
  readonly #folds: ReadonlyMap<string, Fold>
  /** Types that keep their complete history. */
  readonly #complete: ReadonlySet<string>
  readonly #lives = new Map<string, Life>()
  readonly #mail = new Map<number, Letter>()
  /** Where an ask lies, by actor and message id: the first of those that were sent again. */
  readonly #asks = new Map<string, number>()
  /** By sequence, subject and payload of every event. */
  readonly events = new Map<number, string>()
  commits = 0

  constructor(options: HistoryOptions) {
    this.#options = options
    const complete = options.actors.filter(({ definition }) => definition.history === "complete")
    this.#complete = new Set(complete.map(({ type }) => type))
    this.#folds = new Map(options.actors.map((actor) => [actor.type, foldOf(actor)]))
  }

  get lives(): Iterable<Life> {
    return this.#lives.values()
  }

  /** How many messages were stored. */
  get messages(): number {
    return this.#mail.size
  }

  life(address: Address): Life {
    const name = formatAddress(address)
    let life = this.#lives.get(name)
    if (life === undefined) {
      life = new Life(name, address, this.#folds.get(address.type), (sequence) => this.#mail.get(sequence))
      this.#lives.set(name, life)
    }
    return life
  }

  readonly committed = ({ first, time, entries }: Commit): void => {
    this.commits++
    for (const [index, entry] of entries.entries()) {
      const sequence = first + index
      if (entry.kind === "mail") this.#store(sequence, time, entry.to, entry.payload)
      if (entry.kind === "event") this.events.set(sequence, `${entry.subject} ${entry.payload}`)
    }
    for (const [index, entry] of entries.entries()) {
      if (entry.kind !== "journal") continue
      if (entry.truncate && this.#complete.has(entry.owner.type)) {
        throw new Broken(INVARIANTS.complete, `${formatAddress(entry.owner)} is truncated by record ${first + index}`)
      }
      const life = this.life(entry.owner)
      life.follow({ record: parseRecord(entry.payload), sequence: first + index, group: entries })
      const breach = this.#options.always?.(life)
      if (breach !== undefined) throw new Broken(breach.law, breach.detail)
    }
  }

  readonly purged = (upTo: number, _role: string, mails: ReadonlyArray<Mail>): void => {
    for (const { sequence } of mails) {
      const letter = this.#mail.get(sequence)
      if (letter !== undefined && this.#isOpen(sequence, letter)) {
        throw new Broken(INVARIANTS.kept, `${tell(sequence, letter)} was removed by a purge up to ${upTo}`)
      }
    }
  }

  readonly answered = (_inbox: string, payload: string): void => {
    const { from, id, outcome, body } = parseReply(payload)
    if (outcome === "waiting") return // it tells of nothing that was decided
    const recorded = this.#lives.get(from)?.answers.get(id)
    const given = canonical({ outcome, body })
    if (recorded !== undefined && recorded !== given) {
      throw new Broken(INVARIANTS.answer, `${from} told ${id} ${given}, and its journal says ${recorded}`)
    }
    const told = outcome === "ok" ? this.#options.eventsTold?.(body) : undefined
    const stored = this.#lives.get(from)?.events ?? 0
    if (told !== undefined && told > stored) {
      throw new Broken(INVARIANTS.answer, `${from} told ${id} of ${told} events, and ${stored} are committed`)
    }
    // Whether anybody still listens or not.
    const before = this.#lives.get(from)?.eventsBefore(this.#asks.get(`${from} ${id}`) ?? 0) ?? 0
    if (told !== undefined && told < before) {
      throw new Broken(
        INVARIANTS.stale,
        `${from} told ${id} of ${told} events, and ${before} are of messages before it`
      )
    }
  }

  /** Somebody saw an event. */
  readonly seen = (sequence: number, subject: string, payload: string): void => {
    if (this.events.get(sequence) !== `${subject} ${payload}`) {
      throw new Broken(INVARIANTS.event, `${subject} ${payload} was seen with sequence ${sequence}, which is another`)
    }
  }

  /** What is not done: a timer, an activity, a message. Nothing, if all is. */
  get undone(): string | undefined {
    for (const { name, timers, activities } of this.#lives.values()) {
      for (const [timer, generation] of timers) return `timer ${timer} of ${name}, set by ${generation}, is open`
      for (const [key, generation] of activities) return `activity ${key} of ${name}, of ${generation}, is open`
    }
    for (const [sequence, letter] of this.#mail) {
      if (this.#isOpen(sequence, letter)) return `${tell(sequence, letter)} had no effect`
    }
    return undefined
  }

  #store(sequence: number, time: number, address: Address, payload: string): void {
    const to = formatAddress(address)
    const envelope = parseEnvelope(payload)
    if ((envelope.kind === "outcome" || envelope.kind === "timer") && !this.#hasTaken(to, envelope.generation)) {
      throw new Broken(
        INVARIANTS.begun,
        `${tell(sequence, { to, envelope })} is of ${envelope.generation}, which is not stored`
      )
    }
    this.#mail.set(sequence, { to, address, time, envelope })
    if (envelope.kind !== "message" || envelope.id === undefined || envelope.again === true) return
    const name = `${to} ${envelope.id}`
    if (!this.#asks.has(name)) this.#asks.set(name, sequence)
  }

  #hasTaken(name: string, sequence: number): boolean {
    return this.#lives.get(name)?.hasTaken(sequence, undefined) === true
  }

  /** Something still has to come of it. */
  #isOpen(sequence: number, { to, address, envelope, time }: Letter): boolean {
    const life = this.#lives.get(to)
    switch (envelope.kind) {
      case "timer":
        return life?.timers.get(envelope.name) === envelope.generation
      case "outcome":
        return life?.activities.get(envelope.key) === envelope.generation
      case "watch":
        return life?.hasTaken(sequence, undefined) !== true
      case "message": {
        if (envelope.again === true || life?.hasTaken(sequence, envelope.id) === true) return false
        if (envelope.once !== undefined && life?.hasKeyOfAnother(envelope.once) === true) return false
        // An ask of an actor that has stopped is answered, and that is all.
        if (life?.stopped === true && envelope.reply !== undefined) return false
        return !this.life(address).isIndifferentTo(sequence, time, envelope)
      }
    }
  }
}

const tell = (sequence: number, { to, envelope }: Pick<Letter, "to" | "envelope">): string => {
  const what = envelope.kind === "message" ? `${envelope.message} ${JSON.stringify(envelope.body)}` : envelope.kind
  return `${what} to ${to} at ${sequence}`
}

/** Made once for each type, as are its schemas. */
const folds = new WeakMap<Actor, Fold>()

const foldOf = (actor: Actor): Fold => {
  let fold = folds.get(actor)
  if (fold === undefined) {
    fold = new Fold(actor)
    folds.set(actor, fold)
  }
  return fold
}
