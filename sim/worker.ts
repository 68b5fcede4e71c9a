// A thread of `npm run sim`: runs its share of the seeds, and tells of them as it goes.
import { parentPort, workerData } from "node:worker_threads"
import { type Campaign, campaignOf, joinCampaigns, NO_RUNS } from "./campaign.ts"
import { makeTrial } from "./experiment.ts"
import { tellSetting } from "./kit/tell.ts"
import { ledgerExperiment } from "./ledger/scenario.ts"
import type { Faults } from "./world/faults.ts"

/** Which seeds a thread runs: from `first` on, each `step` after the other, below `end`. */
export interface SeedRange {
  readonly first: number
  readonly step: number
  readonly end: number
  readonly faults: Faults
}

/** A run that broke a law, made as small as could be. Nothing is made smaller where the same law was broken before. */
export interface BrokenRun {
  readonly seed: number
  readonly breaches: ReadonlyArray<string>
  readonly smallest: ReadonlyArray<string>
}

/** What came of some runs since the last report. */
export interface Told {
  readonly campaign: Campaign
  readonly failures: ReadonlyArray<BrokenRun>
}

const TELL_EVERY = 50

const work = ({ first, step, end, faults }: SeedRange, tell: (told: Told) => void): void => {
  const trial = makeTrial(ledgerExperiment, { faults })
  const laws = new Set<string>()
  let campaign = NO_RUNS
  let failures: Array<BrokenRun> = []
  const report = () => {
    tell({ campaign, failures })
    campaign = NO_RUNS
    failures = []
  }
  const failureOf = (seed: number, breaches: Campaign["broken"][number]["breaches"]): BrokenRun => {
    const law = breaches[0]?.law ?? ""
    const smallest = laws.has(law) ? undefined : trial.shrink(seed)
    laws.add(law)
    return {
      seed,
      breaches: breaches.map((breach) => `${breach.law}: ${breach.detail}`),
      smallest:
        smallest === undefined ? [] : [tellSetting(smallest.setting), ...ledgerExperiment.describe(smallest.workload)]
    }
  }
  for (let seed = first; seed < end; seed += step) {
    const run = trial.run(seed, trial.draw(seed))
    campaign = joinCampaigns(campaign, campaignOf(run))
    if (run.breaches.length > 0) failures.push(failureOf(seed, run.breaches))
    if (campaign.runs >= TELL_EVERY || failures.length > 0) report()
  }
  report()
}

if (parentPort !== null) {
  const port = parentPort
  // Whoever starts this file as a thread gives it a share.
  work(workerData as SeedRange, (told) => port.postMessage(told))
}
