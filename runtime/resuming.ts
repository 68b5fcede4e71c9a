import { Effect } from "effect"
import type { Controls, Pause, Target } from "./controls.ts"
import type { ReadError } from "./errors.ts"

const AT_ONCE = 64

/** Lets go on the actors of a target that the runtime paused one by one. Gives what they were paused for. */
export const resumeFailed = (
  controls: Pick<Controls["Service"], "read" | "resume">,
  target: Target
): Effect.Effect<ReadonlyArray<Pause>, ReadError> =>
  Effect.gen(function* () {
    const { all } = yield* controls.read
    const failed = all.filter((pause) => pause.by === "runtime" && pause.target.kind === "actor" && isIn(pause, target))
    const resumed = yield* Effect.forEach(failed, (pause) => controls.resume(pause.target), { concurrency: AT_ONCE })
    return failed.filter((_, index) => resumed[index])
  })

const isIn = ({ target: one }: Pause, target: Target): boolean => {
  if (target.kind === "everything" || one.kind !== "actor") return target.kind === "everything"
  if (target.kind === "type") return target.type === one.address.type
  return target.address.type === one.address.type && target.address.id === one.address.id
}
