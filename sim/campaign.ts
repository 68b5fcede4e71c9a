import { Effect } from "effect"
import { Coverage } from "./world/coverage.ts"
import { type RunOptions, type RunReport, runWorld } from "./world/run.ts"

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

export interface CampaignOptions extends Omit<RunOptions, "seed"> {
  /** Of the first run; each further one has the next whole number. */
  readonly seed: number
  /** Whether there is to be another run after so many. */
  readonly goesOn: (campaign: Campaign) => Effect.Effect<boolean>
}

/** One run after the other, from one seed on. */
export const runCampaign = ({ goesOn, seed, ...options }: CampaignOptions): Effect.Effect<Campaign> =>
  Effect.gen(function* () {
    const coverage = new Coverage()
    const broken: Array<RunReport> = []
    let campaign: Campaign = { runs: 0, simulatedMillis: 0, messages: 0, commits: 0, coverage, broken }
    while (yield* goesOn(campaign)) {
      const report = runWorld({ ...options, seed: seed + campaign.runs })
      coverage.add(report.coverage)
      if (report.breaches.length > 0) broken.push(report)
      campaign = {
        runs: campaign.runs + 1,
        simulatedMillis: campaign.simulatedMillis + report.simulatedMillis,
        messages: campaign.messages + report.messages,
        commits: campaign.commits + report.commits,
        coverage,
        broken
      }
      // Whoever waits to interrupt it gets a turn.
      yield* Effect.yieldNow
    }
    return campaign
  })
