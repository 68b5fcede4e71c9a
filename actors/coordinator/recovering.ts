// An analysis that cannot come to its end, and what waits behind it.
import { CoordinatorProtocol } from "../../protocols/index.ts"
import { type Context, cancelTimer, persist, send } from "../../runtime/index.ts"
import { TIMERS } from "./analysis.ts"
import { withoutOutcome } from "./experiment.ts"
import { refuseRequester } from "./requester.ts"
import { evolve, type RunningAnalysis, type State } from "./state.ts"

/** Gives up the analysis under way; who asked for it is told. */
export const loseAnalysis = (running: RunningAnalysis, context: Context) => {
  const { consensus_id } = running
  const ended = { _tag: "AnalysisEnded", consensus_id, undecided: true } as const
  const lost = { _tag: "AnalysisLost", symbol: context.self.id, consensus_id } as const
  return {
    after: (state: State): State => evolve.AnalysisEnded(state, ended),
    steps: [persist(ended), ...withoutOutcome(running), ...refuseRequester(running, lost)]
  }
}

/**
 * One of the coordinator's messages could not be processed. Where it was the end of the analysis under way, the analysis ends all the
 * same, and what waits begins by a message of its own; where that one fails, who waits first is given up. So nothing that fails keeps
 * the others waiting.
 */
export const recover = (state: State, message: string, context: Context) => {
  const { running, waiting } = state
  if (message === "RoundClosed" || message === "AnalysisOverdue") {
    if (running === null) return []
    const lost = loseAnalysis(running, context)
    return [...lost.steps, cancelTimer(TIMERS.overdue), ...resume(lost.after(state), context)]
  }
  const [first] = waiting
  if (message !== "Resume" || running !== null || first === undefined) return []
  const dropped = { _tag: "AnalysisDropped", ids: [first.id] } as const
  return [
    persist(dropped),
    ...refuseRequester(first, { _tag: "AnalysisCancelled", symbol: context.self.id }),
    ...resume(evolve.AnalysisDropped(state, dropped), context)
  ]
}

const resume = ({ waiting, unseen }: State, { self }: Context) =>
  waiting.length === 0 && unseen === null ? [] : [send(CoordinatorProtocol, self.id, "Resume", {})]
