import type { Breach } from "../invariants/breach.ts"
import type { History } from "../invariants/history.ts"
import type { Life } from "../invariants/life.ts"
import { balanceOf, failureToken, SUPERVISOR, takenBy } from "./ledger.ts"

/** What a client knows of a message it sent. Whether one is stored whose fate is `unknown`, nobody can say. */
export type Fate = "accepted" | "refused" | "unknown"

/** What is noted of a message that is to fail: nobody takes it. */
export const FAILS = "fail"

const RANK = { refused: 0, unknown: 1, accepted: 2 } as const

/** A message that a client sent, by its token. */
export interface Sent {
  readonly token: string
  readonly to: string
  /** What the receiver notes, such as `put`. */
  readonly what: string
  /** Of a transfer: who gets it. */
  readonly receiver?: string
  /** Of a watch: whose end is to be told of. */
  readonly target?: string
  /** Tells without an id of their own arrive in order: which of whose it is. */
  readonly place?: { readonly sender: string; readonly number: number }
  /** As long as nothing is heard: refused. */
  fate: Fate
}

/** What clients know, to be compared with what became of it. */
export class Notes {
  readonly #sent = new Map<string, Sent>()
  /** By actor: of so many events a client was told. */
  readonly #told = new Map<string, number>()
  readonly #answers = new Map<string, number>()
  readonly found: Array<Breach> = []

  /** The message is on its way. Sent again with its id, it is the same. */
  send(sent: Sent): Sent {
    const known = this.#sent.get(sent.token)
    if (known !== undefined) return known
    this.#sent.set(sent.token, sent)
    return sent
  }

  /** Of what is heard of one message, sent more than once, the best holds: `refused` only if it is all that was heard. */
  settle(sent: Sent, fate: Fate): void {
    if (RANK[fate] > RANK[sent.fate]) sent.fate = fate
  }

  /** The same message got an answer: each time the same. */
  answered(token: string, to: string, count: number): void {
    const before = this.#answers.get(token)
    if (before !== undefined && before !== count) {
      const detail = `${token} to ${to} was answered ${before}, and then ${count}`
      this.found.push({ law: "a message asked again gets the same answer", detail })
    }
    this.#answers.set(token, count)
    this.#told.set(to, Math.max(count, this.told(to)))
  }

  /** Of how many events of an actor somebody has been told. */
  told(to: string): number {
    return this.#told.get(to) ?? 0
  }

  looked(to: string, before: number, count: number): void {
    if (count >= before) return
    const detail = `${to} answered ${count} events, after it had answered ${before}`
    this.found.push({ law: "an answer knows of all that was answered before it was asked", detail })
  }

  /** What is wrong when everything is at rest. */
  verdict(history: History): ReadonlyArray<Breach> {
    const lives = new Map(Array.from(history.lives, (life) => [life.name, life]))
    return [
      ...this.found,
      ...this.#effects(lives),
      ...this.#order(lives),
      ...this.#notices(lives),
      ...this.#failures(lives),
      ...publications(lives, history),
      ...balance(lives)
    ]
  }

  #effects(lives: ReadonlyMap<string, Life>): ReadonlyArray<Breach> {
    const breaches: Array<Breach> = []
    const counts = countTaken(lives)
    for (const { token, to, what, receiver, fate } of this.#sent.values()) {
      if (what === FAILS) continue
      const count = counts.get(`${to} ${what} ${token}`) ?? 0
      const stopped = lives.get(to)?.stopped === true
      const low = fate === "accepted" && !stopped ? 1 : 0
      const high = fate === "refused" ? 0 : 1
      if (count < low || count > high) {
        const detail = `${what} ${token} to ${to} was ${fate}, and has ${count} effects`
        breaches.push({ law: "an accepted message has one effect, a refused one none", detail })
      }
      const received = receiver === undefined ? count : (counts.get(`${receiver} receive ${token}`) ?? 0)
      if (received !== count) {
        const detail = `${token} left ${to} ${count} times, and came to ${receiver} ${received} times`
        breaches.push({ law: "what one actor sends, the other gets once", detail })
      }
    }
    for (const [taken, count] of counts) {
      if (count > 1) breaches.push({ law: "a message has its effect once", detail: `${taken}: ${count} times` })
    }
    return breaches
  }

  /** Who watches an actor that has stopped was told by the latest message that it asked for, and nobody of one that lives. */
  #notices(lives: ReadonlyMap<string, Life>): ReadonlyArray<Breach> {
    const breaches: Array<Breach> = []
    for (const { name, state } of lives.values()) {
      const taken = takenBy(state)
      const latest = new Map<string, string>()
      for (const each of taken) {
        const target = each.startsWith("follow ") ? this.#sent.get(each.slice("follow ".length))?.target : undefined
        if (target !== undefined) latest.set(target, each.slice("follow ".length))
      }
      for (const each of taken) {
        const target = each.startsWith("told ") ? this.#sent.get(each.slice("told ".length))?.target : undefined
        if (target === undefined || lives.get(target)?.stopped === true) continue
        const detail = `${name} was ${each}, as if ${target} had stopped`
        breaches.push({ law: "who watches an actor is told when it stops", detail })
      }
      for (const [target, token] of latest) {
        if (lives.get(target)?.stopped !== true || taken.includes(`told ${token}`)) continue
        const detail = `${name} watched ${target} with ${token}, which stopped, and was not told`
        breaches.push({ law: "who watches an actor is told when it stops", detail })
      }
    }
    return breaches
  }

  /** What fails is parked, once, and the supervisor is told of it, where there is one. */
  #failures(lives: ReadonlyMap<string, Life>): ReadonlyArray<Breach> {
    const breaches: Array<Breach> = []
    const told = takenBy(lives.get(`ledger/${SUPERVISOR}`)?.state)
    for (const { name, address, steps, stopped } of lives.values()) {
      const parked = steps.filter((step) => step.parked !== undefined)
      const fates = Array.from(this.#sent.values()).filter(({ what, to }) => what === FAILS && to === name)
      const low = stopped ? 0 : fates.filter(({ fate }) => fate === "accepted").length
      const high = fates.filter(({ fate }) => fate !== "refused").length
      if (!stopped && (parked.length < low || parked.length > high)) {
        const detail = `${name} parked ${parked.length} messages, of ${low} to ${high} that fail`
        breaches.push({ law: "what fails is parked once", detail })
      }
      for (const { sequence } of address.type === "ledger" ? parked : []) {
        const times = told.filter((taken) => taken === `told ${failureToken(name, sequence)}`).length
        if (times === 1) continue
        const detail = `of message ${sequence} to ${name} the supervisor was told ${times} times`
        breaches.push({ law: "a supervisor is told once of what is escalated", detail })
      }
    }
    return breaches
  }

  #order(lives: ReadonlyMap<string, Life>): ReadonlyArray<Breach> {
    const breaches: Array<Breach> = []
    const last = new Map<string, number>()
    for (const { name, state } of lives.values()) {
      for (const taken of takenBy(state)) {
        const sent = this.#sent.get(taken.slice(taken.indexOf(" ") + 1))
        if (sent?.place === undefined || sent.fate !== "accepted" || !taken.startsWith("put ")) continue
        const { sender, number } = sent.place
        const before = last.get(`${sender} ${name}`) ?? -1
        if (number < before) {
          const detail = `${name} took number ${number} of ${sender} after number ${before}`
          breaches.push({ law: "messages from one sender to one receiver keep their order", detail })
        }
        last.set(`${sender} ${name}`, number)
      }
    }
    return breaches
  }
}

/** By actor, effect and token. */
const countTaken = (lives: ReadonlyMap<string, Life>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { name, state } of lives.values()) {
    for (const taken of takenBy(state)) counts.set(`${name} ${taken}`, (counts.get(`${name} ${taken}`) ?? 0) + 1)
  }
  return counts
}

const balance = (lives: ReadonlyMap<string, Life>): ReadonlyArray<Breach> => {
  let sum = 0
  for (const { state } of lives.values()) sum += balanceOf(state)
  return sum === 0 ? [] : [{ law: "transfers conserve the sum", detail: `the sum is ${sum}` }]
}

/** What an actor publishes is stored once, and of each message that is parked an alert is. */
const publications = (lives: ReadonlyMap<string, Life>, history: History): ReadonlyArray<Breach> => {
  const published = new Map<string, number>()
  for (const event of history.events.values()) published.set(event, (published.get(event) ?? 0) + 1)
  const alerts = [...history.events.values()].filter((event) => event.startsWith("alert."))
  const breaches: Array<Breach> = []
  const check = (what: string, times: number) => {
    if (times === 1) return
    breaches.push({ law: "what an actor publishes is stored once", detail: `${what} is stored ${times} times` })
  }
  for (const { name, address, state, steps } of lives.values()) {
    for (const taken of takenBy(state)) {
      if (!taken.startsWith("put ")) continue
      const fact = factOf(address, taken.slice("put ".length))
      check(fact, published.get(fact) ?? 0)
    }
    for (const { sequence, parked } of steps) {
      if (parked === undefined) continue
      const its = alerts.filter((alert) => alert.includes(`"actor":"${name}","sequence":${sequence},`))
      check(`an alert of message ${sequence} to ${name}`, its.length)
    }
  }
  return breaches
}

/** The event of a message that was put, as it is stored. */
const factOf = ({ type, id }: Life["address"], token: string): string =>
  `fact.${type}.${id} ${JSON.stringify({ type: "fact", data: { token } })}`
