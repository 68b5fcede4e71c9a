import { Effect } from "effect"
import type { Acts } from "../../acting.ts"
import type { Frame } from "./frame.ts"
import { type Behind, decodeAsked } from "./keep.ts"
import { ActAsked, type Failure } from "./words.ts"

const decode = decodeAsked(ActAsked)

/** Does what operators ask for: whole acts and nothing less, so that none can be made into another. */
export const operateDoor =
  (acts: Acts): Behind =>
  (asked) =>
    Effect.map(Effect.flatMap(decode(asked), doneBy(acts)), (head): Frame => ({ head: head ?? null, parts: [] }))

const doneBy =
  (acts: Acts) =>
  (act: ActAsked): Effect.Effect<unknown, Failure> => {
    switch (act.op) {
      case "pause":
        return acts.pause(act.target, act.cause)
      case "resume":
        return acts.resume(act.target)
      case "resumeFailed":
        return acts.resumeFailed(act.target)
      case "retry":
        return acts.retry(act.sequence)
      case "drop":
        return acts.drop(act.sequence)
      case "dropMail":
        return acts.dropMail(act.selection, { keep: act.keep })
    }
  }
