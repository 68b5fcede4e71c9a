import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { AgentTestsBody, MarketSimulationBody, TaskStatus } from "../../../protocols/index.ts"
import { asking } from "../../admission/access.ts"
import { beginAgentTests, beginMarketSimulation, cancelTask, taskStatus } from "../begin-task.ts"
import { operation } from "./entry.ts"
import { CHANGES, headers, problems, READS } from "./schemas.ts"

const TASKS = "/api/v1/agents/tasks"
const TaskId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, { message: "must be a UUID" })
)
const Begun = TaskStatus.annotate({ httpApiStatus: 202 })
const CONFLICTS = problems([409, ...CHANGES])

const located = (task: TaskStatus | undefined) => (task === undefined ? {} : { location: `${TASKS}/${task.task_id}` })

/** What takes longer than a request is waited for. */
export const tasks = HttpApiGroup.make("tasks").add(
  operation(
    HttpApiEndpoint.post("testAgents", "/api/v1/agents/tests", {
      headers,
      payload: AgentTestsBody,
      success: Begun,
      error: CONFLICTS
    }),
    {
      summary: "Test the agents in simulated markets; answers at once, with the id of a task",
      listed:
        'test the agents in simulated markets: {"regimes":["trending_bullish"],"runs":1}; answers the id of a task',
      access: asking("analyze"),
      run: ({ payload, caller }) => ({ result: beginAgentTests(payload, caller), headers: located })
    }
  ),
  operation(
    HttpApiEndpoint.post("simulateMarket", "/api/v1/market/simulations", {
      headers,
      payload: MarketSimulationBody,
      success: Begun,
      error: CONFLICTS
    }),
    {
      summary: "Feed a simulated market to the agents; answers at once, with the id of a task",
      listed: 'feed a simulated market to the agents: {"symbols":["ACME"],"bars":100}; answers the id of a task',
      access: asking("feed"),
      run: ({ payload, caller }) => ({ result: beginMarketSimulation(payload, caller), headers: located })
    }
  ),
  operation(
    HttpApiEndpoint.get("task", `${TASKS}/:id`, {
      params: { id: TaskId },
      success: TaskStatus,
      error: problems([404, ...READS])
    }),
    {
      summary: "A task as it is now, with its result once it has ended",
      access: asking("status"),
      run: ({ params: { id }, caller }) => ({ result: taskStatus(id, caller) })
    }
  ),
  operation(
    HttpApiEndpoint.post("cancelTask", `${TASKS}/:id/cancel`, {
      params: { id: TaskId },
      headers,
      payload: Schema.Struct({}),
      success: TaskStatus,
      error: problems([404, ...CHANGES])
    }),
    {
      summary: "Cancel a task",
      listed: "cancel a task: {}",
      access: asking("cancel"),
      run: ({ params: { id }, caller }) => ({ result: cancelTask(id, caller) })
    }
  )
)
