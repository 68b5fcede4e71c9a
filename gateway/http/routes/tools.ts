import { Effect, Schema } from "effect"
import { AgentType, ToolName } from "../../../protocols/index.ts"
import { failureProblem } from "../../failures/failure-problem.ts"
import { invalidRequest, methodNotAllowed, problem } from "../../failures/problem.ts"
import { toolReport } from "../../operations/tools.ts"
import type { TemplatedApp } from "../../uws.ts"
import { explained, getJson, type JsonHandler, json, type Route, type RouteOptions } from "../json.ts"

export const TOOLS = "/api/v1/agents/tools"

/** Adds the address that says how a tool has done. */
export const addToolRoutes = (app: TemplatedApp, options: RouteOptions, route: Route): void => {
  app.get(TOOLS, route(getJson(options, answerReport)))
  app.post(
    TOOLS,
    route((call) => call.respond(methodNotAllowed("GET")))
  )
}

const isAgentType = Schema.is(AgentType)
const isToolName = Schema.is(ToolName)

/** 200 with a `ToolReport`; 404 where the agent type has never used such a tool. */
const answerReport: JsonHandler = ({ query, caller }) => {
  const [type, tool] = [query.get("agent_type") ?? "", query.get("tool") ?? ""]
  if (!isAgentType(type)) {
    const rule = `must be one of ${AgentType.literals.join(", ")}`
    return Effect.succeed(invalidRequest({ field: "agent_type", rule }))
  }
  if (!isToolName(tool)) {
    const rule = "a tool is 1 to 64 letters, digits, dashes or underscores, and `model` the requests to models"
    return Effect.succeed(invalidRequest({ field: "tool", rule }))
  }
  return toolReport(type, tool, caller).pipe(
    Effect.map((report) => (report === undefined ? neverUsed(type, tool) : json(200, report))),
    explained((failure) => failureProblem(failure))
  )
}

const neverUsed = (type: string, tool: string) =>
  problem({
    status: 404,
    code: "unknown-tool",
    title: "Nothing is known of this tool",
    detail: `${type} has never used a tool named ${tool}`
  })
