import { type Bare, type BareMessage, mailOf, type Outgoing } from "./bare.ts"
import type { Decide } from "./bare-worker.ts"

const AGENTS = 3
/** The message that asks for an analysis; opening, three requests, outcomes and votes; the round's end. */
export const CONSENSUS_STEPS = 1 + 1 + 3 * AGENTS + 1

/** What one analysis stores, in bytes, as it was found in the stream of a system: 128 bars, votes that differ. */
export const SIZES = {
  analyze: { mail: 12_000, record: 900, timer: 300 },
  opened: { mail: 450, record: 1_800, events: [540], timer: 300 },
  asked: { mail: 12_000, record: 12_300, events: [165] },
  outcome: { mail: 1_260, record: 280, events: [345, 345, 345, 1_290, 165] },
  vote: { mail: 485, record: 900, events: [605] },
  close: { record: 2_300, events: [2_050, 430, 430] },
  closed: { mail: 2_000, record: 1_680, events: [650, 2_110] }
} as const

/** The same messages, records and events as an analysis has, and as large, with nothing decided or checked. */
export const decideConsensus: Decide = (bare, rounds, key, body) => {
  const { kind, n, id = "", reply = "", from = "" } = body
  const mail = (to: string, next: BareMessage["kind"], size: number, more: Partial<BareMessage> = {}) =>
    mailOf(bare, to, { kind: next, n, id, from: key, pad: fill(size), ...more })
  switch (kind) {
    case "analyze": {
      rounds.set(id, { reply, votes: 0 })
      const panel = Array.from({ length: AGENTS }, (_, agent) =>
        mail(`a${agent}${key}`, "asked", SIZES.asked.mail, { from: id })
      )
      const mails = [other(bare, SIZES.analyze.timer), mail(`r${id}`, "opened", SIZES.opened.mail), ...panel]
      return { key, step: record(SIZES.analyze.record), mails }
    }
    case "opened":
      return {
        key,
        step: record(SIZES.opened.record),
        mails: others(bare, [...SIZES.opened.events, SIZES.opened.timer])
      }
    case "asked": {
      // The analysis itself is an activity: what comes of it is a message of its own, after the commit.
      const after = [mail(key, "outcome", SIZES.outcome.mail, { from: from })]
      return { key, step: record(SIZES.asked.record), mails: others(bare, SIZES.asked.events), after }
    }
    case "outcome": {
      const symbol = key.slice(2)
      const vote = mail(`r${id}`, "vote", SIZES.vote.mail, { from: symbol })
      return { key, step: record(SIZES.outcome.record), mails: [...others(bare, SIZES.outcome.events), vote] }
    }
    case "vote": {
      const round = rounds.get(id)
      const done = { key, step: record(SIZES.vote.record), mails: others(bare, SIZES.vote.events) }
      if (round === undefined || ++round.votes < AGENTS) return done
      const ending = [...others(bare, [0, ...SIZES.close.events]), mail(from, "closed", SIZES.closed.mail)]
      return { key, step: record(SIZES.vote.record + SIZES.close.record), mails: [...done.mails, ...ending] }
    }
    default: {
      const inbox = rounds.get(id)?.reply ?? ""
      rounds.delete(id)
      const answer = { inbox, payload: JSON.stringify({ id, n }) }
      return { key, step: record(SIZES.closed.record), mails: others(bare, [0, ...SIZES.closed.events]), answer }
    }
  }
}

const FILL = "x".repeat(16_384)
const fill = (size: number): string => FILL.slice(0, size)

const record = (size: number): string => JSON.stringify(fill(size))

/** An event, or a timer that is set or cancelled: something that is stored and that nobody waits for. */
const other = ({ stream }: Bare, size: number): Outgoing => ({ subject: `${stream}.event.x`, payload: fill(size) })

const others = (bare: Bare, sizes: ReadonlyArray<number>) => sizes.map((size) => other(bare, size))
