import type { Cell, FailureGroup, MartingaleLine } from "./checks.ts"

const FALLS_SHORT = 0.9
const GROUPS_MAX = 5

/** What a person could do about the failures, most common first; one sentence says that there is nothing. */
export const recommendationsOf = (
  failures: ReadonlyArray<FailureGroup>,
  martingale: ReadonlyArray<MartingaleLine>,
  byRegime: { readonly [regime: string]: Cell }
): ReadonlyArray<string> => {
  const weak = Object.entries(byRegime).filter(([, { rate }]) => rate < FALLS_SHORT)
  const said = [
    ...martingale
      .filter(({ chance }) => !chance)
      .map(
        ({ subject }) =>
          `${subject} is right on a martingale more or less often than a coin: look for a way in which the future leaks in.`
      ),
    ...weak.map(
      ([regime, { rate }]) =>
        `${regime}: ${Math.round(100 * rate)}% is short of nine in ten; ${causeOf(regime, failures)}`
    ),
    ...failures
      .filter(({ fault }) => fault !== "decision")
      .slice(0, GROUPS_MAX)
      .map(otherFault)
  ]
  return said.length === 0 ? ["Nothing falls short: look at other markets, or ask for more."] : said
}

/** For which kind of market it was taken most often, where it went wrong. */
const causeOf = (regime: string, failures: ReadonlyArray<FailureGroup>): string => {
  const here = failures.filter((group) => group.regime === regime)
  const taken = new Map<string, number>()
  for (const { named, count } of here) taken.set(named ?? "nothing", (taken.get(named ?? "nothing") ?? 0) + count)
  const [most] = [...taken].toSorted((a, b) => b[1] - a[1])
  const all = here.reduce((sum, { count }) => sum + count, 0)
  if (most === undefined) return "nobody answered."
  if (most[0] === regime)
    return `it was seen for what it is in ${most[1]} of ${all} failures, so look at what the rules make of it.`
  return `it was taken for ${most[0]} in ${most[1]} of ${all} failures, so look at how the regime tool tells the two apart.`
}

const otherFault = ({ regime, subject, fault, count }: FailureGroup): string => {
  const times = `${count} ${count === 1 ? "time" : "times"}`
  if (fault === "time") return `${subject} took too long in ${regime} ${times}: look at its tools' times.`
  if (fault === "silent") return `${subject} did not answer in ${regime} ${times}: look at its log.`
  return `${subject} was right in ${regime} and hardly surer than a guess ${times}: look at what its scores weigh.`
}
