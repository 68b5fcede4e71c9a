import { Effect } from "effect"
import type { AgentTestsBody, MarketSimulationBody } from "../../protocols/index.ts"
import type { Caller } from "./caller.ts"
import { GatewayState } from "./gateway-state.ts"
import { NotOffered, type TaskFailure, type TaskRunners, type Tasks } from "./tasks.ts"

const withRunners = <A>(use: (tasks: Tasks, runners: TaskRunners) => Effect.Effect<A, TaskFailure>) =>
  GatewayState.use(
    ({ tasks }): Effect.Effect<A, TaskFailure> =>
      tasks.runners === undefined ? Effect.fail(new NotOffered()) : use(tasks, tasks.runners)
  )

/** Begins tests of the agents. */
export const beginAgentTests = (body: AgentTestsBody, caller: Caller) =>
  withRunners((tasks, { agentTests }) =>
    tasks.begin({ kind: "agent_tests", body, symbols: [], run: agentTests }, caller)
  )

/** Begins to feed a simulated market. */
export const beginMarketSimulation = (body: MarketSimulationBody, caller: Caller) =>
  withRunners((tasks, { marketSimulation, symbolsOf }) =>
    tasks.begin({ kind: "market_simulation", body, symbols: symbolsOf(body), run: marketSimulation }, caller)
  )

export const taskStatus = (id: string, caller: Caller) => GatewayState.use(({ tasks }) => tasks.look(id, caller))

export const cancelTask = (id: string, caller: Caller) => GatewayState.use(({ tasks }) => tasks.cancel(id, caller))
