import { type Actor, formatAddress, replay } from "../../runtime/index.ts"
import type { Tape } from "../log/tape.ts"
import { type Breach, LAWS } from "./breach.ts"

/** Decides every step of a run again, from what was stored: a decision that is pure gives the same. */
export const breachOfDecisions = (actors: ReadonlyArray<Actor>, tape: Tape): ReadonlyArray<Breach> => {
  for (const recording of tape.recordings) {
    const name = formatAddress(recording.address)
    const actor = actors.find(({ type }) => type === recording.address.type)
    if (actor === undefined) continue
    for (const told of replay(actor, recording)) {
      if (told.kind === "fault") return [{ law: LAWS.pure, detail: `${name} cannot be replayed: ${told.reason}` }]
      if (told.kind !== "step" || told.verdict.verdict !== "differs") continue
      const { sequence, message, verdict } = told
      return [{ law: LAWS.pure, detail: `${message} at ${sequence} of ${name}: ${JSON.stringify(verdict.deviations)}` }]
    }
  }
  return []
}
