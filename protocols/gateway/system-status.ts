import { Schema } from "effect"
import { Timestamp } from "../vocabulary/names.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** How something is: `healthy`; `degraded`, where it works for a part; `unhealthy`; `unknown`, where nothing has been heard of it. */
export const Health = Schema.Literals(["healthy", "degraded", "unhealthy", "unknown"])
export type Health = typeof Health.Type

/** One part of the system, and why it is not healthy. */
export const ComponentHealth = Schema.Struct({ status: Health, detail: Schema.optionalKey(Schema.String) })
export type ComponentHealth = typeof ComponentHealth.Type

/** The system as a whole: how its parts are, and what it has done, as its actors count it. */
export const SystemStatus = Schema.Struct({
  status: Health,
  timestamp: Timestamp,
  component_health: Schema.Struct({
    gateway: ComponentHealth,
    /** Whether what is asked is stored and answered. */
    log: ComponentHealth,
    coordinators: ComponentHealth,
    agents: ComponentHealth,
    tools: ComponentHealth,
    /** Language models, where any was asked. */
    models: ComponentHealth
  }),
  performance_summary: Schema.Struct({
    /** Agents that said something in the last hour. */
    active_agents: Count,
    /** Symbols that agents follow. */
    symbols: Count,
    /** Joint decisions of all symbols since they exist. */
    total_decisions: Count,
    analyses_under_way: Count,
    /** Uses of tools by all agents since they exist, requests to models not among them. */
    tool_executions: Count,
    failed_tool_executions: Count,
    model_calls: Count,
    failed_model_calls: Count,
    /** Connected to this gateway. */
    clients: Count,
    uptime_seconds: Count,
    /** There are more symbols or tools than were asked. */
    partial: Schema.Boolean
  })
})
export type SystemStatus = typeof SystemStatus.Type
