// The settings of who is asked.
import { AgentType, PANEL } from "../protocols/index.ts"
import { listOf, setting } from "./setting.ts"

/** Every variable about the agents that are asked. */
export const panelSettings = {
  panel: setting({
    variable: "CONCLAVE_PANEL",
    default: PANEL.join(","),
    about:
      "The agents that are asked in an analysis, separated by commas: of market_analyst, risk_advisor, strategy_optimizer, performance_coach and comprehensive.",
    rule: "must be agent types separated by commas, each once",
    schema: listOf(AgentType, (types) => types.length > 0 && new Set(types).size === types.length)
  }),
  agentTypes: setting({
    variable: "CONCLAVE_AGENT_TYPES",
    default: "none",
    about:
      "Agent types that other nodes have and this one lacks, separated by commas, so that rounds may ask for them wherever their coordinator runs; those of panels need not be named.",
    rule: "must be agent types separated by commas, each once, or none",
    schema: listOf(AgentType, (types) => new Set(types).size === types.length)
  })
} as const
