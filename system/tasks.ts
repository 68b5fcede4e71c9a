import { Effect } from "effect"
import { runAgentTests } from "../evaluation/index.ts"
import type { TaskRunners } from "../gateway/index.ts"
import type { AgentTestsBody } from "../protocols/index.ts"
import { Actors } from "../runtime/index.ts"
import { beginSimulation, symbolsOf } from "./simulation.ts"

/** The agent tests that are asked for. */
export const agentTests = (
  { regimes, agents, runs, seed }: AgentTestsBody,
  progress: ((done: number, total: number) => void) | undefined
) =>
  runAgentTests({
    ...(regimes === undefined ? {} : { regimes }),
    ...(agents === undefined ? {} : { subjects: agents }),
    ...(runs === undefined ? {} : { runs }),
    ...(seed === undefined ? {} : { seed }),
    ...(progress === undefined ? {} : { progress })
  })

/** How often it is told how far a simulated market is. */
const TELL_EVERY = "500 millis"

/** What runs the tasks of a gateway: in its own process, on what talks to the actors. */
export const taskRunners = (actors: Actors["Service"]): TaskRunners => ({
  symbolsOf,
  agentTests: (body, tell) => agentTests(body, (done, total) => tell({ done, total })),
  marketSimulation: (body, tell) =>
    Effect.scoped(
      Effect.gen(function* () {
        const { report, ended } = yield* beginSimulation(body)
        const telling = Effect.sync(() => {
          const found = report()
          const done = found.symbols.reduce((sum, { bars }) => sum + bars, 0)
          tell({ done, total: null }, found)
        })
        yield* Effect.addFinalizer(() => telling)
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(telling, Effect.sleep(TELL_EVERY))))
        return yield* ended
      })
    ).pipe(Effect.provideService(Actors, actors))
})
