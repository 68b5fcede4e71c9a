// `npm run sim -- --runs N [--seed S] [--faults a,b|all|none] [--story]`: runs of the simulated world. Exit code 1 if a
// law was broken.
import { parseArgs } from "node:util"
import { NodeRuntime } from "@effect/platform-node"
import { Clock, Console, Effect, Random } from "effect"
import { type Campaign, runCampaign } from "./campaign.ts"
import { ledgerScenario } from "./ledger/scenario.ts"
import type { Coverage } from "./world/coverage.ts"
import { FAULT_KINDS, type FaultKind } from "./world/faults.ts"
import { type RunReport, runWorld } from "./world/run.ts"

const USAGE = `usage: npm run sim -- [--runs NUMBER] [--seed NUMBER] [--faults ${FAULT_KINDS.join(",")}|all|none] [--story]`
const SEEDS = 1_000_000_000
const SAY_EVERY_MILLIS = 2_000
const HOUR_MILLIS = 3_600_000
const STORY_LINE_MAX = 400

interface Wanted {
  readonly runs: number
  readonly seed: number | undefined
  readonly faults: ReadonlyArray<FaultKind>
  readonly story: boolean
}

/** What the command line asks for; nothing, if it cannot be understood. */
const read = (): Wanted | undefined => {
  const options = {
    runs: { type: "string", default: "1000" },
    seed: { type: "string" },
    faults: { type: "string", default: "all" },
    story: { type: "boolean", default: false }
  } as const
  try {
    const { runs, seed, faults, story } = parseArgs({ options }).values
    const names = faults === "all" ? FAULT_KINDS : faults === "none" ? [] : faults.split(",")
    const kinds = FAULT_KINDS.filter((kind) => names.includes(kind))
    const numbers = [Number(runs), Number(seed ?? 0)]
    if (kinds.length !== names.length || !numbers.every(Number.isSafeInteger) || Number(runs) < 1) return undefined
    return { runs: Number(runs), seed: seed === undefined ? undefined : Number(seed), faults: kinds, story }
  } catch {
    return undefined
  }
}

const faultsOption = (faults: ReadonlyArray<FaultKind>): string => {
  if (faults.length === FAULT_KINDS.length) return ""
  return ` --faults ${faults.join(",") || "none"}`
}

const tellBroken = ({ seed, breaches }: RunReport, faults: ReadonlyArray<FaultKind>): string =>
  [
    ...breaches.slice(0, 5).map(({ law, detail }) => `BROKEN with seed ${seed}: ${law}\n  ${detail}`),
    `  npm run sim -- --runs 1 --seed ${seed}${faultsOption(faults)} --story`
  ].join("\n")

const tellCampaign = ({ runs, simulatedMillis, messages, commits, broken }: Campaign, millis: number): string => {
  const hours = (simulatedMillis / HOUR_MILLIS).toFixed(1)
  const seconds = millis / 1_000
  const perSecond = (count: number) => Math.round(count / Math.max(seconds, 0.001))
  const done = `${runs} runs in ${seconds.toFixed(1)} s (${perSecond(runs)}/s)`
  return `${done}: ${hours} simulated hours, ${messages} messages (${perSecond(messages)}/s), ${commits} commits, ${broken.length} runs broken`
}

const tellCoverage = ({ hits, pairs }: Coverage, faults: ReadonlyArray<FaultKind>): string => {
  const possible = (faults.length * (faults.length - 1)) / 2
  const counts = faults.map((kind) => `${kind} ${hits.get(kind) ?? 0}`)
  return `faults: ${counts.join(", ")}\npairs of faults that met: ${pairs.size} of ${possible}`
}

const campaign = (wanted: Wanted) =>
  Effect.gen(function* () {
    const seed = wanted.seed ?? (yield* Random.nextIntBetween(0, SEEDS))
    const started = yield* Clock.currentTimeMillis
    yield* Console.log(`seeds from ${seed} on`)
    let said = started
    let told = 0
    const goesOn = (soFar: Campaign) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        for (const report of soFar.broken.slice(told)) yield* Console.error(tellBroken(report, wanted.faults))
        told = soFar.broken.length
        if (now - said >= SAY_EVERY_MILLIS) {
          said = now
          yield* Console.log(tellCampaign(soFar, now - started))
        }
        return soFar.runs < wanted.runs
      })
    const faults = new Set(wanted.faults)
    const whole = yield* runCampaign({ seed, scenario: ledgerScenario, faults, goesOn })
    yield* Console.log(tellCampaign(whole, (yield* Clock.currentTimeMillis) - started))
    yield* Console.log(tellCoverage(whole.coverage, wanted.faults))
    return whole.broken.length === 0 ? 0 : 1
  })

const story = (wanted: Wanted, seed: number) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const trace = (line: string) => lines.push(line.slice(0, STORY_LINE_MAX))
    const report = runWorld({ seed, scenario: ledgerScenario, faults: new Set(wanted.faults), trace })
    yield* Console.log(lines.join("\n"))
    if (report.breaches.length === 0) return 0
    yield* Console.error(tellBroken(report, wanted.faults))
    return 1
  })

const main = Effect.gen(function* () {
  const wanted = read()
  if (wanted === undefined) {
    yield* Console.error(USAGE)
    return 2
  }
  return yield* wanted.story && wanted.seed !== undefined ? story(wanted, wanted.seed) : campaign(wanted)
}).pipe(
  Effect.map((code) => {
    process.exitCode = code
  })
)

NodeRuntime.runMain(main)
