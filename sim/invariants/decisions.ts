import {
  type Actor,
  canonical,
  effectsIn,
  formatAddress,
  type ReplayedEffect,
  type ReplayedStep,
  replay
} from "../../runtime/index.ts"
import type { LogRecording } from "../log/log-recording.ts"
import { type Breach, INVARIANTS } from "./breach.ts"

/**
 * Decides every step of a run again, from what was stored: a decision that is pure gives the same, and all that it sends and
 * publishes is stored with its record, in the same order.
 */
export const breachOfDecisions = (actors: ReadonlyArray<Actor>, tape: LogRecording): ReadonlyArray<Breach> => {
  for (const recording of tape.recordings) {
    const name = formatAddress(recording.address)
    const actor = actors.find(({ type }) => type === recording.address.type)
    if (actor === undefined) continue
    const steps = new Map<number, Array<ReplayedStep>>()
    for (const told of replay(actor, recording)) {
      if (told.kind === "fault") return [{ law: INVARIANTS.pure, detail: `${name} cannot be replayed: ${told.reason}` }]
      if (told.kind !== "step") continue
      const { sequence, message, verdict, record } = told
      if (verdict.verdict === "differs") {
        const detail = `${message.name} at ${sequence} of ${name}: ${JSON.stringify(verdict.deviations)}`
        return [{ law: INVARIANTS.pure, detail }]
      }
      const same = steps.get(record)
      if (same === undefined) steps.set(record, [told])
      else same.push(told)
    }
    for (const [record, its] of steps) {
      const detail = whatIsMissing(its, effectsIn(tape.storedWith(record)))
      if (detail !== undefined) return [{ law: INVARIANTS.whole, detail: `record ${record} of ${name} ${detail}` }]
    }
  }
  return []
}

/** Nothing, if what was stored with a record is what its steps send and publish. */
const whatIsMissing = (
  steps: ReadonlyArray<ReplayedStep>,
  stored: ReadonlyArray<ReplayedEffect>
): string | undefined => {
  if (steps.some(({ verdict }) => verdict.verdict !== "same")) return undefined
  const decided = steps.flatMap(({ effects }) => effects)
  // How often a message was tried that is parked, its supervisor may be told, and nobody else knows.
  const bodies = !decided.some(({ effect }) => effect === "parked")
  const [is, should] = [linesOf(stored, bodies), linesOf(decided, bodies)]
  return is === should ? undefined : `is stored with [${is}], and asks for [${should}]`
}

/** What is sent and published. */
const linesOf = (effects: ReadonlyArray<ReplayedEffect>, bodies: boolean): string =>
  effects
    .flatMap((each) => {
      if (each.effect === "sent") return [`${each.message} to ${each.to} ${bodies ? canonical(each.body) : ""}`]
      return each.effect === "published" ? [`${each.subject} ${canonical(each.event)}`] : []
    })
    .join(", ")
