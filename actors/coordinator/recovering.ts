// An analysis that cannot come to its end, and what waits behind it.
import { CoordinatorProtocol } from "../../protocols/index.ts"
import { cancelTimer, send } from "../../runtime/index.ts"
import { TIMERS } from "./analysis.ts"
import { tellNoOutcome } from "./experiment.ts"
import { refuseRequester } from "./requester.ts"
import type { CoordinatorStep, RunningAnalysis } from "./state.ts"

/** Gives up the analysis under way; who asked for it is told. */
export const loseAnalysis = (step: CoordinatorStep, running: RunningAnalysis) => {
  const { consensus_id } = running
  step.persist("AnalysisEnded", { consensus_id, undecided: true })
  tellNoOutcome(step, running)
  refuseRequester(step, running, { _tag: "AnalysisLost", symbol: step.self.id, consensus_id })
}

/**
 * One of the coordinator's messages could not be processed. Where it was the end of the analysis under way, the analysis ends all the
 * same, and what waits begins by a message of its own; where that one fails, who waits first is given up. So nothing that fails keeps
 * the others waiting.
 */
export const recover = (step: CoordinatorStep, message: string) => {
  const { running, waiting } = step.state
  if (message === "RoundClosed" || message === "AnalysisOverdue") {
    if (running === null) return
    loseAnalysis(step, running)
    step.add(cancelTimer(TIMERS.overdue))
    return resume(step)
  }
  const [first] = waiting
  if (message !== "Resume" || running !== null || first === undefined) return
  step.persist("AnalysisDropped", { ids: [first.id] })
  refuseRequester(step, first, { _tag: "AnalysisCancelled", symbol: step.self.id })
  resume(step)
}

const resume = (step: CoordinatorStep) => {
  const { waiting, unseen } = step.state
  if (waiting.length > 0 || unseen !== null) step.add(send(CoordinatorProtocol, step.self.id, "Resume", {}))
}
