// `npm run sim`: runs of the simulated world. Exit code 1 if a law was broken.
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Console, Effect, Exit, Queue, Random, type Scope } from "effect"
import { type Campaign, joinCampaigns, NO_RUNS } from "./campaign.ts"
import { type CampaignFlags, readOptions, USAGE } from "./command-line.ts"
import { makeTrial, SEED_MAX } from "./experiment.ts"
import { shorten } from "./kit/tell.ts"
import { ledgerExperiment } from "./ledger/scenario.ts"
import type { BrokenRun, SeedRange, Told } from "./worker.ts"
import { pairsOf } from "./world/coverage.ts"

const SAY_EVERY_MILLIS = 2_000
const HOUR_MILLIS = 3_600_000
const BREACHES_TOLD = 3
const PAIRS_TOLD = 10

const again = (seed: number, { faultsText }: CampaignFlags): string =>
  `npm run sim -- --runs 1 --seed ${seed}${faultsText === "all" ? "" : ` --faults ${faultsText}`} --story`

const tellFailure = ({ seed, breaches, smallest }: BrokenRun, wanted: CampaignFlags): string =>
  [
    ...breaches.slice(0, BREACHES_TOLD).map((breach) => `BROKEN with seed ${seed}: ${breach}`),
    ...(smallest.length > 0 ? ["  the smallest run that was found:", ...smallest.map((line) => `    ${line}`)] : []),
    `  ${again(seed, wanted)}`
  ].join("\n")

const tellCampaign = ({ runs, simulatedMillis, messages, commits, broken }: Campaign, millis: number): string => {
  const hours = (simulatedMillis / HOUR_MILLIS).toFixed(1)
  const seconds = Math.max(millis / 1_000, 0.001)
  const perSecond = (count: number) => Math.round(count / seconds)
  const done = `${runs} runs in ${seconds.toFixed(1)} s (${perSecond(runs)}/s)`
  return `${done}: ${hours} simulated hours, ${messages} messages (${perSecond(messages)}/s), ${commits} commits, ${broken.length} runs broken`
}

const tellCoverage = ({ coverage: { hits, pairs } }: Campaign, { faults }: CampaignFlags): string => {
  const kinds = [...faults.keys()]
  const possible = pairsOf(kinds)
  const missed = possible.filter((pair) => !pairs.has(pair))
  const rarest = [...pairs].sort(([, one], [, other]) => one - other).slice(0, 3)
  return [
    `faults: ${kinds.map((kind) => `${kind} ${hits.get(kind) ?? 0}`).join(", ") || "none"}`,
    `pairs of faults that met within 5 s: ${possible.length - missed.length} of ${possible.length}`,
    ...(missed.length > 0
      ? [`  never: ${missed.slice(0, PAIRS_TOLD).join(", ")}${missed.length > PAIRS_TOLD ? ", …" : ""}`]
      : []),
    ...(rarest.length > 0 ? [`  rarest: ${rarest.map(([pair, times]) => `${pair} ${times}`).join(", ")}`] : [])
  ].join("\n")
}

/** A thread that runs a share, until the scope closes. What it tells goes into the queue; null when it has ended. */
const startThread = (share: SeedRange, told: Queue.Queue<Told | null>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: share })
      worker.on("message", (message: Told) => Queue.offerUnsafe(told, message))
      worker.on("error", (error) => {
        console.error(error)
        process.exitCode = 1
      })
      worker.on("exit", () => Queue.offerUnsafe(told, null))
      return worker
    }),
    (worker) => Effect.promise(() => worker.terminate())
  ).pipe(Effect.asVoid)

const campaign = (wanted: CampaignFlags) =>
  Effect.gen(function* () {
    const seed = wanted.seed ?? (yield* Random.nextIntBetween(0, SEED_MAX - wanted.runs + 1))
    const threads = Math.min(wanted.threads ?? availableParallelism(), wanted.runs)
    const started = yield* Clock.currentTimeMillis
    yield* Console.log(`seeds from ${seed} on, ${threads} ${threads === 1 ? "thread" : "threads"}`)
    const told = yield* Queue.unbounded<Told | null>()
    for (let index = 0; index < threads; index++) {
      const share = { first: seed + index, step: threads, end: seed + wanted.runs, faults: wanted.faults }
      yield* startThread(share, told)
    }
    let whole = NO_RUNS
    let said = started
    // Whoever interrupts it wants to know how far it came.
    yield* Effect.addFinalizer((exit) =>
      Exit.isFailure(exit)
        ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Console.log(`interrupted: ${tellCampaign(whole, now - started)}`)
          )
        : Effect.void
    )
    for (let running = threads; running > 0; ) {
      const message = yield* Queue.take(told)
      if (message === null) running--
      else {
        whole = joinCampaigns(whole, message.campaign)
        for (const failure of message.failures) yield* Console.error(tellFailure(failure, wanted))
      }
      const now = yield* Clock.currentTimeMillis
      if (now - said < SAY_EVERY_MILLIS) continue
      said = now
      yield* Console.log(tellCampaign(whole, now - started))
    }
    yield* Console.log(tellCampaign(whole, (yield* Clock.currentTimeMillis) - started))
    yield* Console.log(tellCoverage(whole, wanted))
    return whole.broken.length === 0 && whole.runs === wanted.runs ? 0 : 1
  }).pipe(Effect.scoped)

/** The run of a seed line by line; of one that breaks a law, the smallest that was found to do so. */
const story = (wanted: CampaignFlags, seed: number) =>
  Effect.gen(function* () {
    const trial = makeTrial(ledgerExperiment, wanted)
    const drawn = trial.shrink(seed) ?? trial.draw(seed)
    yield* Console.log(ledgerExperiment.describe(drawn.workload).join("\n"))
    const lines: Array<string> = []
    const { breaches } = trial.run(seed, drawn, { trace: (line) => lines.push(shorten(line)) })
    yield* Console.log(lines.join("\n"))
    for (const { law, detail } of breaches) yield* Console.error(`BROKEN: ${law}: ${detail}`)
    return breaches.length === 0 ? 0 : 1
  })

const main = Effect.gen(function* () {
  const wanted = readOptions(process.argv.slice(2))
  if (typeof wanted === "string") {
    yield* Console.error(`${wanted}\n${USAGE}`)
    return 2
  }
  return yield* wanted.story && wanted.seed !== undefined ? story(wanted, wanted.seed) : campaign(wanted)
}).pipe(
  Effect.map((code) => {
    process.exitCode = code
  })
)

NodeRuntime.runMain(main)
