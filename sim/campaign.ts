import { Effect } from "effect"
import type { Trial } from "./experiment.ts"
import { Coverage } from "./world/coverage.ts"
import type { RunReport } from "./world/run.ts"

/** What came of many runs. */
export interface Campaign {
  readonly runs: number
  readonly simulatedMillis: number
  readonly messages: number
  readonly commits: number
  readonly coverage: Coverage
  /** The runs in which a law was broken. */
  readonly broken: ReadonlyArray<RunReport>
}

export const NO_RUNS: Campaign = {
  runs: 0,
  simulatedMillis: 0,
  messages: 0,
  commits: 0,
  coverage: new Coverage(),
  broken: []
}

/** What came of the runs of both. */
export const joinCampaigns = (one: Campaign, other: Campaign): Campaign => ({
  runs: one.runs + other.runs,
  simulatedMillis: one.simulatedMillis + other.simulatedMillis,
  messages: one.messages + other.messages,
  commits: one.commits + other.commits,
  coverage: new Coverage().add(one.coverage).add(other.coverage),
  broken: [...one.broken, ...other.broken]
})

/** What came of one run. */
export const campaignOf = (report: RunReport): Campaign => ({
  runs: 1,
  simulatedMillis: report.simulatedMillis,
  messages: report.messages,
  commits: report.commits,
  coverage: report.coverage,
  broken: report.breaches.length === 0 ? [] : [report]
})

export interface CampaignOptions {
  /** Of the first run; each further one has the next whole number. */
  readonly seed: number
  /** Whether there is to be another run after these. */
  readonly goesOn: (campaign: Campaign) => Effect.Effect<boolean>
}

/** One run after the other, from one seed on. */
export const runCampaign = <Workload>(
  { run, draw }: Trial<Workload>,
  { goesOn, seed }: CampaignOptions
): Effect.Effect<Campaign> =>
  Effect.gen(function* () {
    let campaign = NO_RUNS
    while (yield* goesOn(campaign)) {
      const next = seed + campaign.runs
      campaign = joinCampaigns(campaign, campaignOf(run(next, draw(next))))
      // Whoever waits to interrupt it gets a turn.
      yield* Effect.yieldNow
    }
    return campaign
  })
