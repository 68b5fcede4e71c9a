import type { Smallest } from "../experiment.ts"
import type { RunReport } from "../world/run.ts"
import type { WorldSetting } from "../world/setting.ts"

const LINE_MAX = 240
const STORY_LINES_MAX = 120

/** What a person wants to know of a run that broke a law. */
export const tellFailure = ({
  seed,
  smallest,
  workload,
  story
}: {
  readonly seed: number
  readonly smallest: Pick<Smallest<unknown>, "report" | "setting" | "tried">
  readonly workload: ReadonlyArray<string>
  readonly story: ReadonlyArray<string>
}): string => {
  const { report, setting, tried } = smallest
  const skipped = story.length - STORY_LINES_MAX
  return [
    ...report.breaches.map(({ law, detail }) => `seed ${seed} broke a law: ${law}\n  ${detail}`),
    `the smallest run that was found (of ${tried}): ${tellSetting(setting)}`,
    ...workload.map((line) => `  ${line}`),
    "its story:",
    ...(skipped > 0 ? [`  (${skipped} lines before)`] : []),
    ...story.slice(-STORY_LINES_MAX).map((line) => `  ${shorten(line)}`),
    `to see it again: seed ${seed}, and one run`
  ].join("\n")
}

/** What a person wants to know of a run that broke a law, and did not do so again. */
export const tellUnlike = ({ seed, breaches }: Pick<RunReport, "seed" | "breaches">): string =>
  [
    ...breaches.map(({ law, detail }) => `seed ${seed} broke a law: ${law}\n  ${detail}`),
    "and not when it was run again: an actor, a law or a client keeps something outside of the run, such as a variable of its",
    "module, or asks the machine for time or chance. Deciding may use only state, message and context."
  ].join("\n")

/** Where a run takes place, in one line. */
export const tellSetting = ({ places, rates, episodes, skewMillis }: WorldSetting): string => {
  const rated = Object.entries(rates).flatMap(([kind, rate]) => (rate > 0 ? [`${kind} ${rate}`] : []))
  const episodic = episodes.map(({ kind, at, millis, target }) => `${kind} at ${at} ms for ${millis} ms (${target})`)
  const skew = skewMillis > 0 ? [`skew up to ${skewMillis} ms`] : []
  const faults = [...rated, ...skew, ...episodic]
  return `${places.length} ${places.length === 1 ? "node" : "nodes"}, ${faults.join(", ") || "no faults"}`
}

export const shorten = (line: string): string => (line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line)
