// What a configuration of one's own imports, and what the commands read it by.
export {
  type AnyTool,
  described,
  HOUSE_TOOLS as tools,
  number,
  reading,
  type Tool,
  type ToolInput,
  wholeNumber
} from "../actors/index.ts"
export { type Agent, type AgentAnswer, type AgentQuestion, defineAgent, type OwnAgent } from "./agent.ts"
export { type ConclaveConfig, defineConfig, type Expected, type Extension, NO_EXTENSION } from "./config.ts"
export { CONFIG_FILES, ConfigUnusable, loadExtension, toExtension } from "./load.ts"
export { defineTool, type ToolSpec } from "./tool.ts"
