import { parseArgs } from "node:util"
import { SEED_MAX } from "./experiment.ts"
import { type Faults, parseFaults } from "./world/faults.ts"

export const USAGE = `usage: npm run sim -- [--runs NUMBER] [--seed NUMBER] [--faults all|none|LIST] [--story] [--threads NUMBER]

  --runs     how many runs; 1000 unless given
  --seed     of the first run; each further one has the next number. A new one unless given
  --faults   what may go wrong, such as crash,pause or crash=5,slow=0.2: the rate is a probability, how many there are in a run,
             or, of skew, milliseconds
  --story    tells one run, that of --seed, line by line
  --threads  how many threads share the runs; as many as there are processors unless given`

export interface CampaignFlags {
  readonly runs: number
  readonly seed: number | undefined
  readonly faults: Faults
  readonly faultsText: string
  readonly story: boolean
  readonly threads: number | undefined
}

const OPTIONS = {
  runs: { type: "string", default: "1000" },
  seed: { type: "string" },
  faults: { type: "string", default: "all" },
  story: { type: "boolean", default: false },
  threads: { type: "string" }
} as const

/** What the command line asks for; or a sentence that says what is wrong with it. */
export const readOptions = (args: ReadonlyArray<string>): CampaignFlags | string => {
  try {
    const { runs, seed, faults, story, threads } = parseArgs({ args: [...args], options: OPTIONS }).values
    const read = parseFaults(faults)
    if (typeof read === "string") return `--faults: ${read}`
    if (!isBetween(runs, 1, SEED_MAX)) return "--runs: a whole number from 1 on"
    if (seed !== undefined && !isBetween(seed, 0, SEED_MAX)) return `--seed: a whole number from 0 to ${SEED_MAX}`
    const lastSeed = Number(seed ?? 0) + Number(runs) - 1
    if (lastSeed > SEED_MAX) return `--seed: that of the last run would be beyond ${SEED_MAX}`
    if (threads !== undefined && !isBetween(threads, 1, THREADS_MAX)) return "--threads: from 1 to 64"
    if (story && seed === undefined) return "--story: give the run's --seed"
    return {
      runs: Number(runs),
      seed: seed === undefined ? undefined : Number(seed),
      faults: read,
      faultsText: faults,
      story,
      threads: threads === undefined ? undefined : Number(threads)
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const THREADS_MAX = 64

const isBetween = (text: string, low: number, high: number): boolean => {
  const value = Number(text)
  return text.trim() !== "" && Number.isInteger(value) && value >= low && value <= high
}
