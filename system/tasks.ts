import { Effect } from "effect"
import { type AgentTestReport, runAgentTests } from "../evaluation/index.ts"
import type { TaskRunners } from "../gateway/index.ts"
import type { AgentTestsBody, TaskProgress } from "../protocols/index.ts"
import { Actors } from "../runtime/index.ts"
import { beginSimulation, SimulatedSymbols, symbolsOf } from "./simulation.ts"

/** The agent tests that are asked for; `interrupted` is told what they came to by then. */
export const agentTests = (
  { regimes, agents, runs, seed }: AgentTestsBody,
  progress: ((done: number, total: number) => void) | undefined,
  interrupted?: (report: AgentTestReport) => void
) =>
  runAgentTests({
    ...(regimes === undefined ? {} : { regimes }),
    ...(agents === undefined ? {} : { subjects: agents }),
    ...(runs === undefined ? {} : { runs }),
    ...(seed === undefined ? {} : { seed }),
    ...(progress === undefined ? {} : { progress }),
    ...(interrupted === undefined ? {} : { interrupted })
  })

/** How often it is told how far a simulated market is. */
const TELL_EVERY = "500 millis"

/**
 * What runs the tasks of a gateway: in its own process, on what talks to the actors. `simulated` are the symbols of which markets are
 * simulated; those of the tasks alone unless given.
 */
export const taskRunners = (actors: Actors["Service"], simulated = new SimulatedSymbols()): TaskRunners => ({
  symbolsOf,
  isSimulated: (symbol) => simulated.has(symbol),
  agentTests: (body, tell) => {
    let progress: TaskProgress = { done: 0, total: null }
    const counted = (done: number, total: number) => {
      progress = { done, total }
      tell(progress)
    }
    return agentTests(body, counted, (report) => tell(progress, report))
  },
  marketSimulation: (body, tell) =>
    Effect.scoped(
      Effect.gen(function* () {
        const { report, ended, stop } = yield* beginSimulation(body, simulated)
        const telling = Effect.sync(() => {
          const found = report()
          const done = found.symbols.reduce((sum, { bars }) => sum + bars, 0)
          tell({ done, total: null }, found)
        })
        // Its last word is of a market that has come to rest.
        yield* Effect.addFinalizer(() => Effect.andThen(stop, telling))
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(telling, Effect.sleep(TELL_EVERY))))
        return yield* ended
      })
    ).pipe(Effect.provideService(Actors, actors))
})
