// `conclave actors resume`
import { Effect } from "effect"
import { Command } from "effect/cli"
import { formatTarget, type Operators, type Pause, type Target } from "../../runtime/index.ts"
import { plain } from "../table.ts"
import { allFlag, operate, operatorFlags, parseTarget, targetArgument, targetJson } from "./operate.ts"

/** How long it is looked whether who goes on fails again at once. */
const LOOK_AFTER = "1500 millis"

/** `conclave actors resume`. */
export const resume = Command.make("resume", { actor: targetArgument, all: allFlag, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      const target = yield* parseTarget(given.actor, given.all)
      const failed = yield* operators.resumeFailed(target)
      const changed = (yield* operators.resume(target)) || (target.kind === "actor" && failed.length > 0)
      if (failed.length > 0) yield* Effect.sleep(LOOK_AFTER)
      const left = yield* operators.paused
      const again = pausedAgain(failed, left)
      const wider = left.find((other) => holds(other.target, target))
      return {
        text: [sentence(target, changed, wider), ...ofActors(target, failed), ...ofThoseAgain(target, again)].join(
          "; "
        ),
        json: {
          ...targetJson(target),
          changed,
          held_by: wider === undefined ? null : targetJson(wider.target),
          actors_resumed: failed.length,
          actors_paused_again: again.length,
          cause: again[0]?.cause ?? null
        }
      }
    })
  )
).pipe(
  Command.withDescription(
    "Let go on what was paused, by the same words, and the actors among it that the runtime paused because they could not go on"
  )
)

type Paused = Effect.Success<Operators["Service"]["paused"]>

const pausedAgain = (failed: ReadonlyArray<Pause>, left: Paused): ReadonlyArray<Pause> => {
  const names = new Set(failed.map(({ target }) => formatTarget(target)))
  return left.filter(({ by, target }) => by === "runtime" && names.has(formatTarget(target)))
}

const sentence = (target: Target, changed: boolean, wider: Pause | undefined): string => {
  const held = wider === undefined ? "" : `stays paused by ${formatTarget(wider.target)}`
  const done = `${formatTarget(target)} ${changed ? "goes on" : "was not paused"}`
  return held === "" ? done : `${done}, ${changed ? "but" : "and"} ${held}`
}

const ofActors = (target: Target, failed: ReadonlyArray<Pause>): ReadonlyArray<string> =>
  target.kind === "actor" || failed.length === 0
    ? []
    : [`${actors(failed.length)} that the runtime had paused ${failed.length === 1 ? "goes" : "go"} on`]

const ofThoseAgain = (target: Target, again: ReadonlyArray<Pause>): ReadonlyArray<string> => {
  const [first] = again
  if (first === undefined) return []
  const who = target.kind === "actor" ? "it" : `${again.length} of them`
  return [`the runtime has paused ${who} again: ${plain(first.cause, 200)}`]
}

const actors = (count: number): string => (count === 1 ? "1 actor" : `${count} actors`)

/** Whether a pause is a wider one that holds the target too. */
const holds = (wider: Target, target: Target): boolean => {
  if (target.kind === "everything") return false
  if (wider.kind === "everything") return true
  return wider.kind === "type" && target.kind === "actor" && wider.type === target.address.type
}
