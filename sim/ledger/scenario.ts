import { Effect, type Scope } from "effect"
import { ActorLog } from "../../runtime/index.ts"
import type { Experiment } from "../experiment.ts"
import type { Stage, WorldScenario } from "../world/scenario.ts"
import { describeLedger, type LedgerWorkload, ledgerWorkloads } from "./acts.ts"
import { ledgerActors } from "./ledger.ts"
import { Notes } from "./notes.ts"
import { resumeAll, Sender } from "./sender.ts"

/** Longer than a call that came too late can still be served, in milliseconds. */
const LATEST_MILLIS = 13_000

const ledgerScenario = (workload: LedgerWorkload, stage: Stage): WorldScenario => {
  const notes = new Notes()
  const pauses = workload.some((senders) => senders.some(({ acts }) => acts.some(({ what }) => what.act === "pause")))
  // A pause that is served late is nobody's wish any more.
  const resumeAtLast = Effect.suspend(() =>
    Effect.andThen(Effect.sleep(stage.untilMillis + LATEST_MILLIS - stage.elapsed()), resumeAll)
  )
  return {
    actors: ledgerActors,
    eventsTold: (body) => (typeof body === "number" ? body : undefined),
    clients: workload.map((senders, process) =>
      Effect.gen(function* () {
        yield* watchFacts(stage)
        const each = senders.map((plan, index) => new Sender(`s${process}${index}`, stage, notes, plan).run)
        yield* Effect.all(each, { concurrency: "unbounded", discard: true })
        if (pauses) yield* resumeAtLast
      })
    ),
    verdict: (history) => notes.verdict(history)
  }
}

/** Clients that do at random what actors can do, and note what they are told. */
export const ledgerExperiment: Experiment<LedgerWorkload> = {
  workload: ledgerWorkloads,
  scenario: ledgerScenario,
  describe: describeLedger
}

/** Holds what is seen against what is stored. */
const watchFacts = (stage: Stage): Effect.Effect<void, never, ActorLog | Scope.Scope> =>
  ActorLog.pipe(
    Effect.flatMap((log) =>
      log.watch("fact.>", ({ sequence, subject, payload }) => stage.history().seen(sequence, subject, payload))
    ),
    Effect.ignore
  )
